import { textOfBase64Url } from "./base64url.ts";
import { defined } from "./defined.ts";
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

/** A member that goes into a header later on: visible characters alone (RFC 6749, appendix A). What is none would be repeated by an error. */
export const tokenIn = (body: Json, name: string): string | undefined => {
  const text = body[name];
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
};

/** When `expires_in` is over, in ms of this machine's clock. */
export function endIn({ expires_in: seconds }: Json): number | undefined {
  return typeof seconds === "number" && seconds >= 0 && seconds < 1e10
    ? Date.now() + seconds * 1000
    : undefined;
}

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
  const accessToken = tokenIn(body, "access_token");
  const end = endIn(body);
  if (accessToken === undefined || end === undefined) throw unreadable("access token");
  const idToken = tokenIn(body, "id_token");
  const refreshToken = tokenIn(body, "refresh_token");
  const claims = idToken === undefined ? undefined : (claimsOf(idToken) as Claims);
  if (claims && (claims.iss !== issuer || claims.aud !== clientId)) throw unreadable("ID token");
  return {
    accessToken,
    tokenType: tokenIn(body, "token_type")?.toLowerCase() === "dpop" ? "DPoP" : "Bearer",
    expiresAt: new Date(end),
    scope: typeof body.scope === "string" ? body.scope : asked,
    ...defined({ idToken, refreshToken, claims }),
  };
}

/** A session as one text, and back; undefined for what is none, and for another client's: its tokens are not sent to our server. */
export const writeSession = (session: Session, of: string): string => JSON.stringify({ ...session, of });

export function parseSession(text: string | undefined, mine: string): Session | undefined {
  try {
    const { of, ...kept } = JSON.parse(text ?? "") as Session & { readonly of: string };
    const expiresAt = new Date(kept.expiresAt);
    return of === mine && !Number.isNaN(expiresAt.getTime()) ? { ...kept, expiresAt } : undefined;
  } catch {
    return undefined;
  }
}
