import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { makeApi } from "./api.ts";
import type { App } from "./app.ts";

export const PINNED_KID = "SPACE_JWT_PUBLIC:8028AAA3-EC2D-4BAA-BE7A-7C8359CCB9F9";

/** Checks a token as a backend does, with the keys that the server publishes. */
export async function verified(app: App, token: unknown): Promise<JWTPayload> {
  const { json } = await makeApi(app.origin)("GET", "/api/v0/token/jwks");
  const { payload } = await jwtVerify(String(token), createLocalJWKSet(json as JSONWebKeySet), {
    algorithms: ["ES256"],
    audience: app.clientId,
    issuer: app.origin,
  });
  return payload;
}

export const claims = (token: unknown): JWTPayload => decodeJwt(String(token));
export const header = (token: unknown) => decodeProtectedHeader(String(token));
