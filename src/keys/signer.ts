import { CompactSign } from "jose";
import type { SigningAlgorithm } from "../core/keys/key.ts";
import type { TokenClaims, TokenHeader } from "../core/keys/token.ts";

/** How claims become the bytes that are signed. */
export type Serialise = (claims: TokenClaims) => string;

const utf8 = new TextEncoder();

/** An opened key, with the name and the algorithm that it was stored with. */
export type Signer = {
  readonly key: CryptoKey;
  /** Left out of the header where the reader knows the key otherwise. */
  readonly kid?: string;
  readonly algorithm: SigningAlgorithm;
};

/** A compact JWS with header `{alg, …header, kid?}` over the claims exactly as they are given (RFC 7515 §7.1). */
export function signCompact(
  { key, kid, algorithm }: Signer,
  header: TokenHeader,
  claims: TokenClaims,
  serialise: Serialise = JSON.stringify,
): Promise<string> {
  return new CompactSign(utf8.encode(serialise(claims)))
    .setProtectedHeader({ alg: algorithm, ...header, ...(kid === undefined ? {} : { kid }) })
    .sign(key);
}

/**
 * JSON in ASCII without `>`, `?`, `~` and DEL, which are written as `\uXXXX` like everything beyond ASCII: the base64url of such
 * text holds no `-` and no `_`, which one SDK cannot read (LoginID §7.4).
 */
export const plainJson: Serialise = (claims) =>
  JSON.stringify(claims).replace(
    /[>?~\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
