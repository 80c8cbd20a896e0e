import { type AccessTokenClaims, readClaims } from "./claims.ts";
import type { KeySource } from "./key-source.ts";
import { refusal } from "./refusal.ts";
import { type JwtDemands, readJwt, SKEW_SECONDS } from "./signed-jwt.ts";

const SECOND = 1_000;
const LENGTH_LIMIT = 8_192;

export type TokenDemands = Required<Pick<JwtDemands, "issuer" | "audience" | "now">>;

/** Reads an access token (RFC 9068 §4). Throws the refusal. */
export async function readAccessToken(
  keys: KeySource,
  token: string,
  demands: TokenDemands,
): Promise<AccessTokenClaims> {
  const payload = await readJwt(keys, token, { ...demands, type: "at+jwt", limit: LENGTH_LIMIT, refusal });
  const claims = readClaims(payload);
  if (claims === undefined) throw refusal("claims");
  if (claims.iat * SECOND > demands.now + SKEW_SECONDS * SECOND) throw refusal("issued_in_future");
  return claims;
}
