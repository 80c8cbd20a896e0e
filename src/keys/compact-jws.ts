import { compactVerify, decodeProtectedHeader, errors } from "jose";
import { fromBase64Url } from "../core/base64.ts";
import type { TokenClaims } from "../core/keys/token.ts";

/** Header members that would choose a key, or change what is signed (RFC 7515 §4.1, RFC 7797). */
const REFUSED_MEMBERS: readonly string[] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"];

/** A JOSE header as it stands: nothing of it is believed. */
export type JoseHeader = Readonly<Record<string, unknown>>;

/** The header of a compact JWS of at most `limit` characters; undefined for anything else, so also for a second spelling of it. */
export function headerOf(token: string, limit: number): JoseHeader | undefined {
  const parts = token.length > limit ? [] : token.split(".", 4);
  // base64url forgives bits at the end that belong to no byte.
  if (parts.length !== 3 || parts.some((text) => fromBase64Url(text) === undefined)) return undefined;
  try {
    return { ...decodeProtectedHeader(token) };
  } catch {
    return undefined;
  }
}

/** Whether the header has a member that would choose the key (T27); `allowed` is one that may stand there. */
export const namesItsKey = (header: JoseHeader, allowed?: string): boolean =>
  REFUSED_MEMBERS.some((name) => name !== allowed && Object.hasOwn(header, name));

/** The signed bytes when this key has signed them. */
export async function signedBy(
  token: string,
  key: CryptoKey,
  algorithm: "ES256",
): Promise<Uint8Array | undefined> {
  try {
    return (await compactVerify(token, key, { algorithms: [algorithm] })).payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** The claims of a payload; undefined when it is no JSON object in UTF-8. */
export function claimsOf(payload: Uint8Array | undefined): TokenClaims | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(payload);
    const claims: unknown = JSON.parse(text);
    return typeof claims === "object" && claims !== null && !Array.isArray(claims)
      ? (claims as TokenClaims)
      : undefined;
  } catch {
    return undefined;
  }
}
