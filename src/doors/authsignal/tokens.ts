import type { Facts, Json } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { type ChallengeId, type ClientId, parseClientId, parseUserId, type UserId } from "../../core/ids.ts";
import { sharedClaims } from "../../core/keys/claims.ts";
import type { TokenClaims } from "../../core/keys/token.ts";
import type { Services } from "../../core/ports/services.ts";
import type { RefusalOf } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { type Instant, SECOND, toSeconds } from "../../core/time.ts";
import type { Action } from "./action/action.ts";
import { tokenSeconds } from "./lifetimes.ts";

/** What an action token says: which action of whom it is good for, and what else it allows. */
export type ActionToken = {
  readonly clientId: ClientId;
  readonly userId: UserId;
  /** The backend's own word for the user. */
  readonly name: string;
  readonly code: string;
  readonly idempotencyKey: string;
  readonly scopes: readonly string[];
  readonly jti: string;
  readonly expiresAt: Instant;
  /** The challenge that an accessToken is of. */
  readonly challengeId?: string;
};

export const ADD = "add:authenticators";
const READ = "read:authenticators";
const SCOPES: ReadonlySet<string> = new Set([READ, ADD, "update:authenticators", "remove:authenticators"]);
/** What a met challenge allows (§4.1). */
const EVERY_SCOPE = [...SCOPES].join(" ");

/** The scopes that a backend asked for, as far as there are such; reading is the default. */
export function scopesOf(asked: string | undefined): string {
  const known = (asked ?? "").split(" ").filter((scope) => SCOPES.has(scope));
  return known.length === 0 ? READ : [...new Set(known)].join(" ");
}

type Times = Pick<Facts, "jti" | "iat" | "exp">;
type Minting = Pick<Services, "keyring" | "config" | "clock" | "chance">;

const audienceOf = (powers: Pick<Services, "config">): string => `${powers.config.issuer}/v1`;

/** The payload of §4.1; `type` keeps these tokens apart from every other of this deployment. */
function claimsOf(
  powers: Pick<Services, "config">,
  client: Client,
  action: Action,
  scope: string,
  { jti, iat, exp }: Times,
): TokenClaims {
  const { code, idempotencyKey, context, userId } = action;
  const aud = audienceOf(powers);
  return {
    ...sharedClaims(client, { door: "authsignal", issuer: aud, aud, sub: context.name, iat, exp, jti }),
    type: "action_token",
    scope,
    uid: userId,
    other: {
      tenantId: client.id,
      publishableKey: client.id,
      userId: context.name,
      actionCode: code,
      idempotencyKey,
    },
  };
}

/** The client token that `track` answers. */
export function clientToken(powers: Minting, client: Client, action: Action, scope: string): Promise<string> {
  const iat = toSeconds(powers.clock.now());
  const times = { jti: powers.chance.uuid(), iat, exp: iat + tokenSeconds(client) };
  return powers.keyring.sign("standard", { typ: "JWT" }, claimsOf(powers, client, action, scope, times));
}

/**
 * The accessToken of a met challenge: the same claims however often it is asked for (settled question 1). The challenge's id in it
 * answers for an action whose row is not written yet.
 */
export const accessToken = (
  powers: Pick<Services, "keyring" | "config">,
  client: Client,
  action: Action,
  facts: Facts,
  challengeId: ChallengeId,
): Promise<string> =>
  powers.keyring.sign(
    "standard",
    { typ: "JWT" },
    { ...claimsOf(powers, client, action, EVERY_SCOPE, facts), cid: challengeId },
    facts.kid,
  );

/** Reads a token of this door; to the second, for both clocks are ours. */
export async function readToken(
  powers: Pick<Services, "verifier" | "config" | "clock">,
  text: string,
): Promise<Result<ActionToken, RefusalOf<"bad_token" | "token_expired">>> {
  const read = await powers.verifier.verify(text, { kind: "action", audience: audienceOf(powers) });
  if (!read.ok) return read.error.detail === "expired" ? no({ code: "token_expired" }) : read;
  const token = parse(read.value);
  if (!token) return no({ code: "bad_token", detail: "claims" });
  return token.expiresAt <= powers.clock.now() ? no({ code: "token_expired" }) : ok(token);
}

const word = (value: Json | undefined): string => (typeof value === "string" ? value : "");

function parse(claims: TokenClaims): ActionToken | undefined {
  const { other } = claims;
  if (typeof other !== "object" || other === null || Array.isArray(other)) return undefined;
  const parts = other as { readonly [key: string]: Json };
  const clientId = parseClientId(word(parts.tenantId));
  const userId = parseUserId(word(claims.uid));
  if (clientId === undefined || userId === undefined) return undefined;
  return {
    clientId,
    userId,
    name: word(claims.sub),
    code: word(parts.actionCode),
    idempotencyKey: word(parts.idempotencyKey),
    scopes: word(claims.scope).split(" "),
    jti: word(claims.jti),
    expiresAt: Number(claims.exp) * SECOND,
    ...(typeof claims.cid === "string" ? { challengeId: claims.cid } : {}),
  };
}
