import type { ChallengeId, ClientId, UserId } from "../ids.ts";
import type { Instant } from "../time.ts";
import type { Approver, Challenge, ChallengeSpec, Phase, PhaseName } from "./state.ts";

/** What may be told to whoever waits or asks: never a token, and nobody's name before the approval. */
export type ChallengeView = {
  readonly id: ChallengeId;
  readonly clientId: ClientId;
  readonly state: PhaseName;
  readonly version: number;
  /** End of the present phase where it has one, else when it was entered. */
  readonly expiresAt: Instant;
  /** Only once approved: who approved, for whom, how and when, and since when the proof is older if it is. */
  readonly approval?: {
    readonly userId: UserId;
    readonly approver: Approver;
    readonly at: Instant;
    readonly provenAt?: Instant;
  };
};

/** What a waiting socket or long-poll is told (docs/waiting.md). */
export type WaitView = { readonly id: ChallengeId; readonly state: PhaseName; readonly expiresAt: Instant };

/** The challenge as it stands at `now`: time is settled first, so a late alarm never shows a dead challenge as alive. */
export function viewOf(challenge: Challenge, now: Instant): ChallengeView {
  const { spec, phase, version } = settle(challenge, now);
  const common = {
    id: spec.id,
    clientId: spec.clientId,
    state: phase.name,
    version,
    expiresAt: deadline(spec, phase),
  };
  return phase.name === "approved" || phase.name === "redeemed"
    ? { ...common, approval: approvalOf(phase) }
    : common;
}

const approvalOf = ({
  userId,
  approver,
  at,
  ...phase
}: Extract<Phase, { name: "approved" | "redeemed" }>): NonNullable<ChallengeView["approval"]> => ({
  userId,
  approver,
  at,
  ...(phase.name === "approved" && phase.provenAt !== undefined ? { provenAt: phase.provenAt } : {}),
});

/** The part of a view that may travel on a wait. */
export const waitView = (view: ChallengeView): WaitView => ({
  id: view.id,
  state: view.state,
  expiresAt: view.expiresAt,
});

/** A wait is over once the challenge has left pending and claimed. */
export const isSettled = (state: PhaseName): boolean => state !== "pending" && state !== "claimed";

/** When the phase ends by itself; for a phase that does not, when it was entered. */
export function deadline(spec: ChallengeSpec, phase: Phase): Instant {
  switch (phase.name) {
    case "pending":
      return spec.claimBy ?? spec.expiresAt;
    case "claimed":
      return spec.expiresAt;
    case "approved":
      return phase.redeemBy;
    case "denied":
    case "redeemed":
    case "cancelled":
    case "expired":
      return phase.at;
  }
}

const endsByItself = (phase: Phase): boolean =>
  phase.name === "pending" || phase.name === "claimed" || phase.name === "approved";

/** Time decides first: past its deadline a challenge is expired, whether or not an alarm has said so. */
export function settle(challenge: Challenge, now: Instant): Challenge {
  const at = deadline(challenge.spec, challenge.phase);
  if (!endsByItself(challenge.phase) || now < at) return challenge;
  return {
    ...challenge,
    version: challenge.version + 1,
    phase: { name: "expired", at },
    timeline: [...challenge.timeline, { at, what: "expired" }],
  };
}
