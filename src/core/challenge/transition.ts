import { no, ok } from "../result.ts";
import type { Instant } from "../time.ts";
import { claim, decide, repeatsClaim } from "./answers.ts";
import type { Command } from "./command.ts";
import { type CommandOf, enter, ipOf, type Of, type Outcome, same, WAKE } from "./moved.ts";
import { isClaimer, isClaimersProof } from "./proof.ts";
import { redeem, redeemAgain } from "./redemption.ts";
import type { Challenge, ChallengeSpec, Step } from "./state.ts";
import { settle } from "./view.ts";

/** A challenge at its birth: pending, version 1. */
export function born(spec: ChallengeSpec): Challenge {
  const step: Step = {
    at: spec.createdAt,
    what: "started",
    by: `client:${spec.clientId}`,
    ...ipOf(spec.origin),
  };
  return { spec, version: 1, phase: { name: "pending" }, timeline: [step] };
}

/**
 * Applies one command at `now` (docs/challenge.md). Time is settled first. A refusal changes nothing; `same` keeps the
 * version, so a retry is free. Pure and synchronous: the object commits `next` and performs the effects.
 */
export function transition(challenge: Challenge, command: Command, now: Instant): Outcome {
  const settled = settle(challenge, now);
  const moved = step(settled, command, now);
  if (!moved.ok || settled === challenge) return moved;
  return ok({ next: moved.value.next, effects: [...moved.value.effects, { name: "wake" }] });
}

function step(challenge: Challenge, command: Command, now: Instant): Outcome {
  const { phase } = challenge;
  switch (phase.name) {
    case "pending":
      return fromPending(challenge, command, now);
    case "claimed":
      return fromClaimed(challenge, phase, command, now);
    case "approved":
      return fromApproved(challenge, phase, command, now);
    case "redeemed":
      return fromRedeemed(challenge, phase, command, now);
    case "denied":
    case "cancelled":
    case "expired":
      return fromEnded(challenge, phase, command);
  }
}

function fromPending(challenge: Challenge, command: Command, now: Instant): Outcome {
  switch (command.name) {
    case "claim":
      return claim(challenge, command, now);
    case "approve":
    case "deny":
      return challenge.spec.requiresClaim ? no({ code: "not_claimed" }) : decide(challenge, command, now);
    case "cancel":
      return cancel(challenge, command, now);
    case "redeem":
      return no({ code: "not_approved" });
    case "expire":
      return expire(challenge, now);
  }
}

function fromClaimed(challenge: Challenge, phase: Of<"claimed">, command: Command, now: Instant): Outcome {
  switch (command.name) {
    case "claim":
      return isClaimer(command, phase) ? same(challenge) : no({ code: "claimed_by_other" });
    case "approve":
    case "deny":
      if (!isClaimersProof(command.proof, phase)) return no({ code: "claimed_by_other" });
      return repeatsClaim(command, phase) ? no({ code: "replayed" }) : decide(challenge, command, now);
    case "cancel":
      return cancel(challenge, command, now);
    case "redeem":
      return no({ code: "not_approved" });
    case "expire":
      return expire(challenge, now);
  }
}

function fromApproved(challenge: Challenge, phase: Of<"approved">, command: Command, now: Instant): Outcome {
  switch (command.name) {
    case "claim":
    case "approve":
    case "deny":
      return no({ code: "already_decided", winner: "approve" });
    case "cancel":
      return cancel(challenge, command, now);
    case "redeem":
      return redeem(challenge, phase, command, now);
    case "expire":
      return expire(challenge, now);
  }
}

function fromRedeemed(challenge: Challenge, phase: Of<"redeemed">, command: Command, now: Instant): Outcome {
  switch (command.name) {
    case "claim":
    case "approve":
    case "deny":
    case "cancel":
      return no({ code: "redeemed", grantDies: false });
    case "redeem":
      return redeemAgain(challenge, phase, command, now);
    case "expire":
      return same(challenge);
  }
}

function fromEnded(
  challenge: Challenge,
  phase: Of<"denied" | "cancelled" | "expired">,
  command: Command,
): Outcome {
  switch (command.name) {
    case "approve":
    case "deny":
      return phase.name === "denied"
        ? no({ code: "already_decided", winner: "deny" })
        : no({ code: phase.name });
    case "claim":
    case "redeem":
      return no({ code: phase.name });
    case "cancel":
    case "expire":
      return same(challenge);
  }
}

function cancel(challenge: Challenge, command: CommandOf<"cancel">, now: Instant): Outcome {
  const step: Step = { at: now, what: "cancelled", by: command.by, ...ipOf(command) };
  return enter(challenge, { name: "cancelled", by: command.by, at: now }, [step], WAKE);
}

const expire = (challenge: Challenge, now: Instant): Outcome =>
  enter(challenge, { name: "expired", at: now }, [{ at: now, what: "expired" }], WAKE);
