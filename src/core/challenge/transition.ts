import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type Instant, toSeconds } from "../time.ts";
import { admits } from "./approvers.ts";
import type { Command, Effect, RedeemDraft } from "./command.ts";
import { approverOf, isClaimer, isClaimersProof, nameOf, type VerifiedProof } from "./proof.ts";
import type { Challenge, ChallengeSpec, Claimer, DecisionKind, Facts, Phase, Step } from "./state.ts";
import { settle } from "./view.ts";

export type Moved = { readonly next: Challenge; readonly effects: readonly Effect[] };
type Outcome = Result<Moved, Refusal>;
type Of<Name extends Phase["name"]> = Extract<Phase, { name: Name }>;
type CommandOf<Name extends Command["name"]> = Extract<Command, { name: Name }>;

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

const same = (challenge: Challenge): Outcome => ok({ next: challenge, effects: [] });

function enter(
  challenge: Challenge,
  phase: Phase,
  steps: readonly Step[],
  effects: readonly Effect[],
): Outcome {
  const timeline = [...challenge.timeline, ...steps];
  return ok({ next: { ...challenge, version: challenge.version + 1, phase, timeline }, effects });
}

const WAKE: readonly Effect[] = [{ name: "wake" }];

function claim(challenge: Challenge, command: CommandOf<"claim">, now: Instant): Outcome {
  const refusal = unfitClaim(challenge, command);
  if (refusal) return no(refusal);
  const [claimer, by] = claimerOf(command);
  const phase: Phase = {
    name: "claimed",
    ...claimer,
    userId: command.userId,
    ...evidenceOf(command),
    at: now,
  };
  return enter(challenge, phase, [{ at: now, what: "claimed", by, ...ipOf(command) }], WAKE);
}

/** The claimer, and its name on record. */
const claimerOf = (command: CommandOf<"claim">): readonly [Claimer, string] =>
  "deviceId" in command
    ? [{ deviceId: command.deviceId }, `device:${command.deviceId}`]
    : [{ sessionId: command.sessionId }, `session:${command.sessionId}`];

const evidenceOf = (command: CommandOf<"claim">): { readonly evidence?: string } =>
  "evidence" in command && command.evidence !== undefined ? { evidence: command.evidence } : {};

function unfitClaim({ spec }: Challenge, command: CommandOf<"claim">): Refusal | undefined {
  const { userId, onlyDevice, createdAt } = spec;
  const isDevice = "deviceId" in command;
  if (userId !== undefined && userId !== command.userId) return { code: "device_of_another_user" };
  if (isDevice && !admits(spec, command)) return { code: "device_of_another_client" };
  if (onlyDevice !== undefined && !(isDevice && onlyDevice === command.deviceId))
    return { code: "device_of_another_user" };
  return isDevice && (command.enrolledAt ?? createdAt) > createdAt ? { code: "device_too_young" } : undefined;
}

function decide(challenge: Challenge, command: CommandOf<"approve" | "deny">, now: Instant): Outcome {
  const { proof } = command;
  const refusal = unfit(challenge, proof, command.name);
  if (refusal) return no(refusal);
  const approver = approverOf(proof);
  const prompted: Step[] =
    command.promptedAt === undefined
      ? []
      : [{ at: command.promptedAt, what: "prompted", by: `user:${proof.userId}` }];
  const what = command.name === "approve" ? "approved" : "denied";
  const { evidence, page } = command;
  const said = { ...(evidence === undefined ? {} : { evidence }), ...(page === undefined ? {} : { page }) };
  const steps = [
    ...prompted,
    { at: now, what, by: nameOf(approver), ...ipOf(command), ...said } satisfies Step,
  ];
  if (command.name === "deny") return enter(challenge, { name: "denied", approver, at: now }, steps, WAKE);
  const phase: Phase = {
    name: "approved",
    approver,
    userId: proof.userId,
    proofDigest: proof.digest,
    amr: proof.amr,
    ...provenAtOf(proof),
    at: now,
    redeemBy: now + challenge.spec.redeemWindow,
  };
  return enter(challenge, phase, steps, WAKE);
}

const provenAtOf = (proof: VerifiedProof): { readonly provenAt?: Instant } =>
  (proof.kind === "code" || proof.kind === "session") && proof.provenAt !== undefined
    ? { provenAt: proof.provenAt }
    : {};

function unfit({ spec }: Challenge, proof: VerifiedProof, decision: DecisionKind): Refusal | undefined {
  if (proof.decision !== decision) return { code: "bad_signature" };
  if (spec.userId !== undefined && spec.userId !== proof.userId) return { code: "device_of_another_user" };
  if (spec.onlyDevice !== undefined && !(proof.kind === "device" && proof.deviceId === spec.onlyDevice)) {
    return { code: "device_of_another_user" };
  }
  if (proof.kind !== "device") return undefined;
  if (!admits(spec, proof)) return { code: "device_of_another_client" };
  if (proof.enrolledAt > spec.createdAt) return { code: "device_too_young" };
  return undefined;
}

/** A claim signs what an approval signs (Authsignal §11.1): the same bytes again approve nothing. */
const repeatsClaim = (command: CommandOf<"approve" | "deny">, phase: Of<"claimed">): boolean =>
  command.name === "approve" && command.evidence !== undefined && command.evidence === phase.evidence;

function cancel(challenge: Challenge, command: CommandOf<"cancel">, now: Instant): Outcome {
  const step: Step = { at: now, what: "cancelled", by: command.by, ...ipOf(command) };
  return enter(challenge, { name: "cancelled", by: command.by, at: now }, [step], WAKE);
}

const expire = (challenge: Challenge, now: Instant): Outcome =>
  enter(challenge, { name: "expired", at: now }, [{ at: now, what: "expired" }], WAKE);

function redeem(
  challenge: Challenge,
  phase: Of<"approved">,
  command: CommandOf<"redeem">,
  now: Instant,
): Outcome {
  const { draft, userId = phase.userId } = command;
  if (userId !== phase.userId && !isLeftOpen(challenge, phase)) return no({ code: "device_of_another_user" });
  const next: Phase = {
    name: "redeemed",
    approver: phase.approver,
    userId,
    facts: factsOf(draft, phase, now),
    withGrant: draft.grant !== undefined,
    waiterProof: command.waiterProof,
    at: now,
  };
  const { sessionName } = command;
  const step: Step = {
    at: now,
    what: "redeemed",
    by: `client:${challenge.spec.clientId}`,
    ...ipOf(command),
    ...(sessionName === undefined ? {} : { sessionName }),
  };
  const effects: Effect[] = draft.grant ? [{ name: "openGrant", draft: draft.grant }] : [];
  return enter(challenge, next, [step], [...effects, { name: "wake" }]);
}

/** A code proves an address; whose that is may be known only at the exchange (docs/decisions/0055). Nothing else is redeemed for another. */
const isLeftOpen = ({ spec }: Challenge, { approver }: Of<"approved">): boolean =>
  spec.userId === undefined && spec.purpose === "verify_identifier" && approver.kind === "code";

function factsOf(draft: RedeemDraft, phase: Of<"approved">, now: Instant): Facts {
  const iat = toSeconds(now);
  return {
    jti: draft.jti,
    idJti: draft.idJti,
    kid: draft.kid,
    iat,
    exp: iat + draft.accessSeconds,
    idExp: iat + draft.idSeconds,
    authTime: toSeconds(phase.provenAt ?? phase.at),
    amr: phase.amr,
  };
}

function redeemAgain(
  challenge: Challenge,
  phase: Of<"redeemed">,
  command: CommandOf<"redeem">,
  now: Instant,
): Outcome {
  if (command.waiterProof !== phase.waiterProof) return no({ code: "redeemed", grantDies: true });
  if (now >= phase.at + challenge.spec.replayWindow) return no({ code: "redeemed", grantDies: false });
  return same(challenge);
}

const ipOf = (from: { readonly ip?: string }): { ip?: string } =>
  from.ip === undefined ? {} : { ip: from.ip };
