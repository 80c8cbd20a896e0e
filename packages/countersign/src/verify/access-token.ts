import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { type AccessTokenClaims, readClaims } from "./claims.ts";
import type { KeyHeader, KeySource } from "./key-source.ts";
import { type Reason, refusal } from "./refusal.ts";

const SECOND = 1_000;
const LENGTH_LIMIT = 8_192;
/** How far the clocks of two machines may be apart. */
const SKEW_SECONDS = 60;
/** Header members that would choose a key, or change what is signed (RFC 7515 §4.1, RFC 7797). */
const REFUSED = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip"];

export type TokenDemands = {
  readonly issuer: string;
  readonly audience: string[];
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** Reads an access token (RFC 9068 §4). What it says about how it wants to be verified decides nothing. Throws the refusal. */
export async function readAccessToken(
  keys: KeySource,
  token: string,
  { issuer, audience, now }: TokenDemands,
): Promise<AccessTokenClaims> {
  const key = await keys.find(headerOf(token));
  if (key === undefined) throw refusal("unknown_key");
  const payload = await payloadOf(token, key, {
    algorithms: ["ES256"],
    typ: "at+jwt",
    issuer,
    audience,
    clockTolerance: SKEW_SECONDS,
    currentDate: new Date(now),
  });
  const claims = readClaims(payload);
  if (claims === undefined) throw refusal("claims");
  if (claims.iat * SECOND > now + SKEW_SECONDS * SECOND) throw refusal("issued_in_future");
  return claims;
}

/** Everything that needs no key is looked at first: a stranger's text must not make us ask the issuer. */
function headerOf(token: string): KeyHeader {
  if (typeof token !== "string") throw refusal("malformed");
  if (token.length > LENGTH_LIMIT) throw refusal("too_long");
  const { alg, kid, typ, ...rest } = decodedHeader(token);
  if (alg !== "ES256") throw refusal("algorithm");
  if (REFUSED.some((name) => Object.hasOwn(rest, name))) throw refusal("header");
  if (typeof typ !== "string" || !/^(application\/)?at\+jwt$/i.test(typ)) throw refusal("type");
  if (typeof kid !== "string") throw refusal("unknown_key");
  return { alg, kid };
}

function decodedHeader(token: string): Readonly<Record<string, unknown>> {
  // An empty signature is left for `alg` to refuse.
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) throw refusal("malformed");
  try {
    return { ...decodeProtectedHeader(token) };
  } catch {
    throw refusal("malformed");
  }
}

async function payloadOf(
  token: string,
  key: CryptoKey,
  demands: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, demands)).payload;
  } catch (error) {
    throw error instanceof errors.JOSEError ? refusal(reasonOf(error)) : error;
  }
}

const CLAIMS: Readonly<Record<string, Reason>> = { iss: "issuer", aud: "audience", typ: "type" };

function reasonOf(error: errors.JOSEError): Reason {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? "claims";
  return "malformed";
}
