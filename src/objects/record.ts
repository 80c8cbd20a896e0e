import type { Command, Effect, RedeemOrder } from "../core/challenge/command.ts";
import type { Pace } from "../core/challenge/pace.ts";
import type { VerifiedProof } from "../core/challenge/proof.ts";
import type { Challenge, ChallengeSpec } from "../core/challenge/state.ts";
import { born, transition } from "../core/challenge/transition.ts";
import { settle, viewOf } from "../core/challenge/view.ts";
import { end } from "../core/grant/rotate.ts";
import { type Grant, isAlive, openGrant } from "../core/grant/state.ts";
import type { Applied, Decidable, Snapshot } from "../core/ports/challenges.ts";
import type { Refusal } from "../core/refusal.ts";
import { ok, type Result } from "../core/result.ts";
import type { Instant } from "../core/time.ts";

/**
 * Everything a challenge object stores. It only ever gains members: older and newer code meet the same objects, so what is not
 * known here is carried along.
 */
export type ChallengeRecord = {
  readonly schema: number;
  readonly challenge: Challenge;
  readonly grant?: Grant;
  /** How its waiter polls, once it has polled too soon. */
  readonly pace?: Pace;
  /** Whether D1 is known to hold the audit row, and the grant when there is one. */
  readonly listed: boolean;
  /** The queue has been given what D1 must still hear; whoever takes it there says when it is listed. */
  readonly queued?: true;
};

/** What a command did: the record to keep, also when it was refused. */
export type Obeyed = {
  readonly next: ChallengeRecord;
  readonly wake: boolean;
  readonly refusal?: Refusal;
};

/** The record of a challenge at its birth. */
export const birth = (spec: ChallengeSpec): ChallengeRecord => ({
  schema: 1,
  challenge: born(spec),
  listed: false,
});

/** Applies one command; the grant that a redemption opens, or that a foreign redemption ends, is part of the same step. */
export function obey(record: ChallengeRecord, command: Command, now: Instant): Obeyed {
  const moved = transition(record.challenge, command, now);
  if (!moved.ok) {
    const dies = moved.error.code === "redeemed" && moved.error.grantDies;
    const next = dies ? endGrant(record, "redeemed_by_another", now) : record;
    return { next, wake: false, refusal: moved.error };
  }
  if (moved.value.next === record.challenge) return { next: record, wake: false };
  const { next, effects } = moved.value;
  return {
    next: effects.reduce((kept, effect) => absorb(kept, effect), { ...record, challenge: next }),
    wake: effects.some((effect) => effect.name === "wake"),
  };
}

function absorb(record: ChallengeRecord, effect: Effect): ChallengeRecord {
  switch (effect.name) {
    case "openGrant":
      return { ...record, grant: openGrant(record.challenge, effect.draft) };
    case "wake":
      return record;
  }
}

/** A challenge that is opened, approved and, by an order, redeemed at once (settled question 17); the first refusal ends it unborn. */
export function settleAtBirth(
  spec: ChallengeSpec,
  proof: VerifiedProof,
  redemption: RedeemOrder | undefined,
  now: Instant,
): Result<ChallengeRecord, Refusal> {
  const approved = obey(birth(spec), { name: "approve", proof, ...ipOf(spec) }, now);
  if (approved.refusal) return { ok: false, error: approved.refusal };
  if (!redemption) return ok(approved.next);
  const redeemed = obey(approved.next, { ...ipOf(spec), name: "redeem", ...redemption }, now);
  return redeemed.refusal ? { ok: false, error: redeemed.refusal } : ok(redeemed.next);
}

const ipOf = ({ origin }: ChallengeSpec): { ip?: string } =>
  origin.ip === undefined ? {} : { ip: origin.ip };

/**
 * Redeems by standing orders, as part of the commit that approved: the first proof wins, the same one gets the same, any other is left
 * to ask and to be refused. `done` has who is to be told what.
 */
export function carryOut<From extends { readonly order: RedeemOrder }>(
  record: ChallengeRecord,
  orders: readonly From[],
  now: Instant,
): { readonly last: ChallengeRecord; readonly done: readonly (From & { readonly redeemed: Applied })[] } {
  let last = record;
  const done = orders.flatMap((from) => {
    const { next, refusal } = obey(last, { name: "redeem", ...from.order }, now);
    if (refusal) return [];
    const changed = next !== last;
    last = next;
    return [{ ...from, redeemed: { ...snapshotOf(next, now), changed } }];
  });
  return { last, done };
}

/** Ends the grant if it lives; otherwise the record stays as it is. */
export const endGrant = (record: ChallengeRecord, reason: string, now: Instant): ChallengeRecord =>
  record.grant && isAlive(record.grant, now) ? { ...record, grant: end(record.grant, reason, now) } : record;

/** What the Worker is told, as it stands at `now`. */
export function snapshotOf({ challenge, grant, listed }: ChallengeRecord, now: Instant): Snapshot {
  const { spec, phase, timeline } = settle(challenge, now);
  return {
    spec,
    view: viewOf(challenge, now),
    timeline,
    ...(phase.name === "claimed" ? { claimant: phase.userId } : {}),
    ...(phase.name === "redeemed" ? { facts: phase.facts } : {}),
    ...(grant ? { grant } : {}),
    listed,
  };
}

/** What is on record of its decision. */
export function decidableOf({ challenge }: ChallengeRecord, now: Instant): Decidable {
  const { spec, phase, decided } = settle(challenge, now);
  if (decided === undefined) return { spec, state: phase.name };
  // A proof by code may have left open whose it is, until the redemption.
  const userId = phase.name === "redeemed" ? phase.userId : decided.userId;
  return { spec, state: phase.name, decided: { ...decided, userId } };
}
