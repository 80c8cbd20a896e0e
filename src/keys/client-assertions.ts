import { decodeProtectedHeader } from "jose";
import { type ClientId, parseClientId } from "../core/ids.ts";
import type { TokenClaims } from "../core/keys/token.ts";
import type { ClientAssertions, ClientTokens } from "../core/ports/keys.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok } from "../core/result.ts";
import { type Instant, MINUTE, type Millis, SECOND } from "../core/time.ts";
import { joinParts, sha256 } from "./parts.ts";

/** How far ahead `exp` may be: what a client makes for one call lives no longer. */
const LONGEST: Millis = 5 * MINUTE;
/** How far the clocks of two machines may be apart. */
const SKEW: Millis = MINUTE;
/** Without a `typ`, or with one that says what it is; a JWT of another kind that the client has signed is none of these. */
const TYPES: readonly unknown[] = [undefined, "jwt", "client-authentication+jwt"];
const JTI = /^[\x20-\x7e]{1,128}$/;

const bad = (detail: string) => no<RefusalOf<"bad_token">>({ code: "bad_token", detail });

/** `private_key_jwt`, read with the keys that the operator registered for the client. */
export function makeClientAssertions(tokens: ClientTokens): ClientAssertions {
  return {
    peek: (assertion) => clientOf(tokens.peek(assertion)),
    async check(assertion, { client, audiences, now }) {
      const verified = await tokens.verify(assertion, client.publicKeys);
      if (!verified.ok) return verified;
      if (!TYPES.includes(typOf(assertion))) return bad("typ is of another kind of token");
      const claims = verified.value;
      if (clientOf(claims) !== client.id) return bad("iss and sub are not the client");
      // A list could name another server too, which could then use the assertion here (docs/decisions/0075).
      if (!audiences.some((audience) => audience === claims.aud)) return bad("aud is not this server");
      const end = ending(claims, now);
      if (typeof end === "string") return bad(end);
      if (typeof claims.jti !== "string" || !JTI.test(claims.jti)) return bad("jti is missing or too long");
      const hash = await sha256(joinParts("client-assertion", [claims.jti]));
      return ok({ clientId: client.id, hash, expiresAt: end });
    },
  };
}

/** RFC 7515 §4.1.9: case does not count. */
function typOf(assertion: string): unknown {
  const typ: unknown = decodeProtectedHeader(assertion).typ;
  return typeof typ === "string" ? typ.toLowerCase() : typ;
}

/** RFC 7523 §3, points 1 and 2: the client speaks of itself. */
function clientOf(claims: TokenClaims | undefined): ClientId | undefined {
  return typeof claims?.iss === "string" && claims.iss === claims.sub ? parseClientId(claims.iss) : undefined;
}

/** The last moment at which the assertion would be taken, or why it is not taken now (RFC 7523 §3, points 4 to 6). */
function ending(claims: TokenClaims, now: Instant): Instant | string {
  const { exp, nbf, iat } = claims;
  if (!isTime(exp)) return "exp is missing or no number";
  const end = exp * SECOND + SKEW;
  if (end <= now) return "expired";
  if (end > now + LONGEST + 2 * SKEW) return "exp is more than 300 s ahead";
  for (const [name, begin] of Object.entries({ nbf, iat })) {
    if (begin === undefined) continue;
    if (!isTime(begin)) return `${name} is no number`;
    if (begin * SECOND > now + SKEW) return `${name} is in the future`;
  }
  return Math.ceil(end);
}

/** NumericDate may have a fraction (RFC 7519 §2). */
const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
