import { CompactSign } from "jose";
import type { TokenClaims, TokenHeader } from "../core/token/token.ts";

/** How claims become the bytes that are signed. */
export type Serialise = (claims: TokenClaims) => string;

const utf8 = new TextEncoder();

/** A compact JWS with header `{alg, …header, kid}` over the claims exactly as they are given (RFC 7515 §7.1). */
export function signCompact(
  key: CryptoKey,
  kid: string,
  header: TokenHeader,
  claims: TokenClaims,
  serialise: Serialise = JSON.stringify,
): Promise<string> {
  return new CompactSign(utf8.encode(serialise(claims)))
    .setProtectedHeader({ alg: "ES256", ...header, kid })
    .sign(key);
}
