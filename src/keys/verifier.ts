import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from "jose";
import { fromBase64Url } from "../core/base64.ts";
import type { TokenClaims, TokenDemands, TokenKind } from "../core/keys/token.ts";
import type { Clock } from "../core/ports/edge.ts";
import type { TokenVerifier } from "../core/ports/keys.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { SECOND } from "../core/time.ts";
import type { VerificationKeys } from "./keyring.ts";

/** How far the clocks of two machines may be apart. */
const SKEW_SECONDS = 60;
const LENGTH_LIMIT = 8_192;
/** Header members that would choose a key, or change what is signed (RFC 7515 §4.1, RFC 7797). */
const REFUSED_MEMBERS = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"];

type BadToken = RefusalOf<"bad_token">;
const bad = (detail: string) => no<BadToken>({ code: "bad_token", detail });

/** Reads tokens of this deployment. What a token says about how it wants to be verified decides nothing (T27, T87). */
export function makeVerifier(keys: VerificationKeys, clock: Clock): TokenVerifier {
  return {
    async verify(token, demands) {
      const header = readHeader(token);
      if (!header.ok) return header;
      const { kid, typ } = header.value;
      const key = await keys.find(kid);
      if (key === undefined) return bad("the key is not one of this deployment");
      const payload = await readPayload(token, key, demands, clock);
      if (!payload.ok) return payload;
      if (kindOf(typ, payload.value) !== demands.kind) return bad(`not an ${NAMES[demands.kind]}`);
      return ok(payload.value as TokenClaims);
    },
  };
}

const NAMES: Readonly<Record<TokenKind, string>> = {
  access: "access token",
  id: "ID token",
  action: "action token",
};

type ReadHeader = { readonly kid: string; readonly typ: string };

function readHeader(token: string): Result<ReadHeader, BadToken> {
  const header = token.length > LENGTH_LIMIT || !isCanonical(token) ? undefined : decodeHeader(token);
  if (header === undefined) return bad("not a compact JWS");
  if (REFUSED_MEMBERS.some((name) => Object.hasOwn(header, name))) return bad("the header names its own key");
  const { alg, kid, typ } = header;
  if (alg !== "ES256") return bad("the algorithm is not ES256");
  if (typeof kid !== "string" || typeof typ !== "string") return bad("the header lacks kid or typ");
  return ok({ kid, typ });
}

/** One spelling for each token: base64url forgives bits at the end that belong to no byte. */
const isCanonical = (token: string): boolean =>
  token.split(".", 4).every((part) => fromBase64Url(part) !== undefined);

function decodeHeader(token: string): ProtectedHeaderParameters | undefined {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}

async function readPayload(
  token: string,
  key: CryptoKey,
  demands: TokenDemands,
  clock: Clock,
): Promise<Result<JWTPayload, BadToken>> {
  const now = clock.now();
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["ES256"],
      currentDate: new Date(now),
      clockTolerance: demands.expired === "allowed" ? Number.MAX_SAFE_INTEGER : SKEW_SECONDS,
      requiredClaims: ["exp", "iat"],
      ...(demands.issuer === undefined ? {} : { issuer: demands.issuer }),
      ...(demands.audience === undefined ? {} : { audience: demands.audience }),
    });
    if ((payload.iat ?? 0) * SECOND > now + SKEW_SECONDS * SECOND) return bad("iat is in the future");
    return ok(payload);
  } catch (error) {
    return bad(reason(error));
  }
}

/** The refusal in words of our own: nothing of the token comes back. */
function reason(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `the claim ${error.claim} does not fit`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the signature does not fit";
  if (error instanceof errors.JOSEError) return "not a JWT";
  throw error;
}

/**
 * RFC 9068 §2.1 for the standard door; the vendors' doors write `JWT` on both and say which in `type` (settled question 6). An ID
 * token of the standard door has neither.
 */
function kindOf(typ: string, claims: JWTPayload): TokenKind | undefined {
  if (typ === "at+jwt") return "access";
  if (typ !== "JWT") return undefined;
  if (claims.type === "client_access_token") return "access";
  if (claims.type === "client_id_token") return "id";
  if (claims.type === "action_token") return "action";
  return claims.type === undefined && claims.scope === undefined ? "id" : undefined;
}
