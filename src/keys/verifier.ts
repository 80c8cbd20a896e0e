import { errors, type JWTPayload, jwtVerify } from "jose";
import type { TokenClaims, TokenDemands, TokenKind } from "../core/keys/token.ts";
import type { Clock } from "../core/ports/edge.ts";
import type { TokenVerifier } from "../core/ports/keys.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { SECOND } from "../core/time.ts";
import { headerOf, namesItsKey } from "./compact-jws.ts";
import type { VerificationKey, VerificationKeys } from "./keyring.ts";

/** How far the clocks of two machines may be apart. */
const SKEW_SECONDS = 60;
const LENGTH_LIMIT = 8_192;

type BadToken = RefusalOf<"bad_token">;
const bad = (detail: string) => no<BadToken>({ code: "bad_token", detail });

/** Reads tokens of this deployment. What a token says about how it wants to be verified decides nothing (T27, T87). */
export function makeVerifier(keys: VerificationKeys, clock: Clock): TokenVerifier {
  return {
    async verify(token, demands) {
      const header = readHeader(token, demands.kind);
      if (!header.ok) return header;
      const { alg, kid, typ } = header.value;
      const key = await keys.find(kid);
      if (key === undefined) return bad("the key is not one of this deployment");
      if (key.algorithm !== alg) return bad("the algorithm is not the key's");
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

/** What a token of each kind may be signed by; which of them it is, the stored key says and never the header. */
const ALGORITHMS: Readonly<Record<TokenKind, readonly string[]>> = {
  access: ["ES256"],
  id: ["ES256", "RS256"],
  action: ["ES256"],
};

type ReadHeader = { readonly alg: string; readonly kid: string; readonly typ: string };

function readHeader(token: string, kind: TokenKind): Result<ReadHeader, BadToken> {
  const header = headerOf(token, LENGTH_LIMIT);
  if (header === undefined) return bad("not a compact JWS");
  if (namesItsKey(header)) return bad("the header names its own key");
  const { alg, kid, typ } = header;
  const allowed = ALGORITHMS[kind];
  if (typeof alg !== "string" || !allowed.includes(alg)) {
    return bad(`the algorithm is not ${allowed.join(" or ")}`);
  }
  if (typeof kid !== "string" || typeof typ !== "string") return bad("the header lacks kid or typ");
  return ok({ alg, kid, typ });
}

async function readPayload(
  token: string,
  { key, algorithm }: VerificationKey,
  demands: TokenDemands,
  clock: Clock,
): Promise<Result<JWTPayload, BadToken>> {
  const now = clock.now();
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
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
