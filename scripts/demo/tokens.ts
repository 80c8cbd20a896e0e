import { createHash } from "node:crypto";
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { makeApi, textOf } from "./api.ts";
import { expect } from "./expect.ts";
import type { Metadata, Tokens } from "./oauth.ts";

type Keys = ReturnType<typeof createLocalJWKSet>;

export async function fetchKeys(metadata: Metadata): Promise<Keys> {
  const keys = await makeApi(textOf(metadata, "issuer")).read(textOf(metadata, "jwks_uri"), 200);
  return createLocalJWKSet(keys as unknown as JSONWebKeySet);
}

/** What a backend demands of an access token: its type, who made it, whom it is for, its time and signature (RFC 9068 §4). */
export async function verifyAccess(
  metadata: Metadata,
  keys: Keys,
  { accessToken }: Tokens,
  clientId: string,
): Promise<JWTPayload> {
  const { payload } = await jwtVerify(accessToken, keys, {
    typ: "at+jwt",
    algorithms: ["ES256"],
    issuer: textOf(metadata, "issuer"),
    audience: clientId,
  });
  expect(payload.client_id === clientId, "the client's own token", payload.client_id);
  return payload;
}

/** What a client demands of an ID token (OpenID Connect Core §3.1.3.7). */
export async function verifyId(
  metadata: Metadata,
  keys: Keys,
  { idToken, accessToken }: Tokens,
  clientId: string,
): Promise<JWTPayload> {
  const { payload } = await jwtVerify(idToken, keys, {
    typ: "JWT",
    algorithms: ["ES256"],
    issuer: textOf(metadata, "issuer"),
    audience: clientId,
  });
  const half = createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");
  expect(payload.at_hash === half, "the half hash of the access token", payload.at_hash);
  return payload;
}
