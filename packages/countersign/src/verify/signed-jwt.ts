import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { KeyHeader, KeySource } from "./key-source.ts";

/** How far the clocks of two machines may be apart. */
export const SKEW_SECONDS = 60;
/** Header members that would choose a key, or change what is signed (RFC 7515 §4.1, RFC 7797). */
const REFUSED = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip"];

/** Why a JWT of the server is not taken, whatever it is for. */
export type JwtReason =
  | "malformed"
  | "too_long"
  | "header"
  | "algorithm"
  | "type"
  | "unknown_key"
  | "signature"
  | "issuer"
  | "audience"
  | "expired"
  | "claims";

export type JwtDemands = {
  /** `typ`, in small letters. */
  readonly type: "at+jwt" | "receipt+jwt";
  /** Letters, at most. */
  readonly limit: number;
  readonly issuer: string;
  /** Absent: what is read has none, and says by another claim whom it is for. */
  readonly audience?: string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly refusal: (reason: JwtReason) => Error;
};

/** The payload of a JWT that the server has signed by ES256. What it says about how it wants to be verified decides nothing. Throws the refusal. */
export async function readJwt(keys: KeySource, token: string, demands: JwtDemands): Promise<JWTPayload> {
  const { type: typ, issuer, audience, now, refusal } = demands;
  const whom = audience === undefined ? {} : { audience };
  const key = await keys.find(headerOf(token, demands));
  if (key === undefined) throw refusal("unknown_key");
  const clock = { clockTolerance: SKEW_SECONDS, currentDate: new Date(now) };
  try {
    return (await jwtVerify(token, key, { algorithms: ["ES256"], typ, issuer, ...whom, ...clock })).payload;
  } catch (error) {
    throw error instanceof errors.JOSEError ? refusal(reasonOf(error)) : error;
  }
}

/** Everything that needs no key is looked at first: a stranger's text must not make us ask the issuer. */
function headerOf(token: string, { type, limit, refusal }: JwtDemands): KeyHeader {
  if (typeof token !== "string") throw refusal("malformed");
  if (token.length > limit) throw refusal("too_long");
  const { alg, kid, typ, ...rest } = decodedHeader(token, refusal);
  if (alg !== "ES256") throw refusal("algorithm");
  if (REFUSED.some((name) => Object.hasOwn(rest, name))) throw refusal("header");
  // With the media type's first half or without it (RFC 7515 §4.1.9).
  if (typeof typ !== "string" || typ.toLowerCase().replace(/^application\//, "") !== type) {
    throw refusal("type");
  }
  if (typeof kid !== "string") throw refusal("unknown_key");
  return { alg, kid };
}

function decodedHeader(token: string, refusal: JwtDemands["refusal"]): Readonly<Record<string, unknown>> {
  // An empty signature is left for `alg` to refuse.
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) throw refusal("malformed");
  try {
    return { ...decodeProtectedHeader(token) };
  } catch {
    throw refusal("malformed");
  }
}

const CLAIMS: Readonly<Record<string, JwtReason>> = { iss: "issuer", aud: "audience", typ: "type" };

function reasonOf(error: errors.JOSEError): JwtReason {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? "claims";
  return "malformed";
}
