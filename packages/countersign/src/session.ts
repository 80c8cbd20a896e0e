import { textOfBase64Url } from "./base64url.ts";
import { CountersignError } from "./errors.ts";
import type { Json } from "./http.ts";

/** Claims of an ID token (OpenID Connect Core, section 2). */
export type Claims = {
  readonly iss: string;
  /** The user's id, the same for every client. */
  readonly sub: string;
  readonly aud: string | readonly string[];
  /** Seconds. */
  readonly exp: number;
  readonly iat: number;
  readonly auth_time?: number;
  /** How strong the sign-in was, such as `urn:signin:acr:device-match`. */
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly sid?: string;
  readonly [claim: string]: unknown;
};

/** A sign-in: what the token endpoint answered. Dates are this machine's clock. */
export type Session = {
  readonly accessToken: string;
  readonly tokenType: "Bearer" | "DPoP";
  readonly expiresAt: Date;
  readonly scope: string;
  readonly idToken?: string;
  readonly refreshToken?: string;
  /** Of the ID token; absent when `openid` was not asked for. */
  readonly claims?: Claims;
};

const unreadable = (what: string): CountersignError =>
  new CountersignError("network", `The server's answer has no good ${what}`);

const textIn = (body: Json, name: string): string | undefined =>
  typeof body[name] === "string" ? (body[name] as string) : undefined;

/** The claims of a token, whoever signed it: it came from the server's own TLS connection (OpenID Connect Core §3.1.3.7, 6). */
export function claimsOf(token: string): Json {
  try {
    const claims: unknown = JSON.parse(textOfBase64Url(token.split(".")[1] ?? ""));
    if (typeof claims === "object" && claims !== null) return claims as Json;
  } catch {}
  throw unreadable("token");
}

/** Reads a token answer (RFC 6749 §5.1). The ID token must be of this issuer, for this client. */
export function readSession(
  body: Json,
  { issuer, clientId, asked }: { readonly issuer: string; readonly clientId: string; readonly asked: string },
): Session {
  const accessToken = textIn(body, "access_token");
  const seconds = body.expires_in;
  if (accessToken === undefined || typeof seconds !== "number") throw unreadable("access token");
  const idToken = textIn(body, "id_token");
  const refreshToken = textIn(body, "refresh_token");
  const claims = idToken === undefined ? undefined : (claimsOf(idToken) as Claims);
  if (claims && (claims.iss !== issuer || claims.aud !== clientId)) throw unreadable("ID token");
  return {
    accessToken,
    tokenType: textIn(body, "token_type")?.toLowerCase() === "dpop" ? "DPoP" : "Bearer",
    expiresAt: new Date(Date.now() + seconds * 1000),
    scope: textIn(body, "scope") ?? asked,
    ...(idToken === undefined ? {} : { idToken }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(claims ? { claims } : {}),
  };
}

/** A session as one text, and back; undefined for what is none. */
export const writeSession = (session: Session): string => JSON.stringify(session);

export function parseSession(text: string | undefined): Session | undefined {
  if (text === undefined) return undefined;
  try {
    const kept = JSON.parse(text) as Session & { readonly expiresAt: string };
    const expiresAt = new Date(kept.expiresAt);
    return typeof kept.accessToken === "string" && !Number.isNaN(expiresAt.getTime())
      ? { ...kept, expiresAt }
      : undefined;
  } catch {
    return undefined;
  }
}
