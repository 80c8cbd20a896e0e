import type { RefreshRotation } from "../client/settings.ts";
import type { ClientId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type Instant, type Millis, SECOND } from "../time.ts";
import { type Grant, isAlive } from "./state.ts";

/** How long the previous refresh token still gets the current one: two tabs, or a lost answer. */
export const ROTATION_GRACE: Millis = 30 * SECOND;

export type Presented = {
  /** The generation whose derived token was presented; the Worker has compared it already. */
  readonly generation: number;
  readonly clientId: ClientId;
  readonly jkt?: string;
  /** Handle-key version that the next token is derived with. */
  readonly keyVersion: number;
  /** How long the previous token is good; `strict` when it is missing. */
  readonly rotation?: RefreshRotation;
};

export type Rotation = {
  /** What must be stored, also when the presenter is refused: a reused token ends the grant. */
  readonly next: Grant;
  readonly result: Result<Grant, RefusalOf<"refresh_reused" | "grant_ended">>;
};

/**
 * Decides one presentation of a refresh token (RFC 9700 §4.14.2). The current generation rotates; the previous one gets
 * the current one again, inside the grace or, where the rotation waits to be acknowledged, until the current one is used; anything older,
 * or another client or key, ends the grant.
 */
export function rotate(grant: Grant, presented: Presented, now: Instant): Rotation {
  if (!isAlive(grant, now)) return { next: grant, result: no({ code: "grant_ended" }) };
  if (presented.clientId !== grant.clientId || presented.jkt !== grant.jkt) return reused(grant, now);
  if (presented.generation === grant.generation) {
    const next: Grant = {
      ...grant,
      generation: grant.generation + 1,
      keyVersion: presented.keyVersion,
      rotatedAt: now,
      expiresAt: now + grant.lifetime,
    };
    return { next, result: ok(next) };
  }
  // Generation 0 was never given out: a young grant has no previous token.
  const isPrevious = presented.generation > 0 && presented.generation === grant.generation - 1;
  if (!isPrevious) return reused(grant, now);
  if (now < grant.rotatedAt + ROTATION_GRACE) return { next: grant, result: ok(grant) };
  if (presented.rotation !== "acknowledged") return reused(grant, now);
  // Somebody who goes on with the previous token is there: the grant lives on from now.
  const next: Grant = { ...grant, expiresAt: now + grant.lifetime };
  return { next, result: ok(next) };
}

const reused = (grant: Grant, now: Instant): Rotation => ({
  next: end(grant, "refresh_reused", now),
  result: no({ code: "refresh_reused" }),
});

/** Ends the grant for good; ending twice keeps the first reason. */
export const end = (grant: Grant, reason: string, now: Instant): Grant =>
  grant.ended ? grant : { ...grant, ended: { at: now, reason } };
