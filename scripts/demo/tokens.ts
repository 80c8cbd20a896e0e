import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { type Api, objectOf, textOf } from "./api.ts";
import { expect } from "./expect.ts";

export type Tokens = { readonly accessToken: string; readonly refreshToken: string };

export const tokensOf = (bundle: Readonly<Record<string, unknown>>): Tokens => ({
  accessToken: textOf(bundle, "access_token"),
  refreshToken: textOf(bundle, "refresh_token"),
});

/** What a backend does with an access token: fetches the public keys, then checks signature, issuer, audience and times. */
export async function verify(
  api: Api,
  accessToken: string,
  expected: { readonly issuer: string; readonly audience: string },
): Promise<JWTPayload> {
  const keys = await api.read("/api/v0/token/jwks", 200);
  const { payload } = await jwtVerify(accessToken, createLocalJWKSet(keys as unknown as JSONWebKeySet), {
    algorithms: ["ES256"],
    ...expected,
  });
  expect(payload.scope === "access", "an access token", payload.type);
  return payload;
}

export async function redeem(api: Api, number: string): Promise<Tokens> {
  const event = await api.read(`/api/v0/event/get/${number}?oauth_token=true`, 200);
  expect(event.approved === true, "an approved event", event.approved);
  return tokensOf(objectOf(event, "oauth_token"));
}

export async function refresh(api: Api, refreshToken: string): Promise<Tokens> {
  const bundle = await api.read("/api/v0/token", 200, {
    method: "POST",
    body: { grant_type: "refresh_token", refresh_token: refreshToken },
  });
  return tokensOf(bundle);
}
