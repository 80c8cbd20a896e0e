import type { Instant } from "../time.ts";
import type { Challenge, ChallengeSpec, Phase } from "./state.ts";

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
