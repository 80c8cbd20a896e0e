import type { Refusal } from "../refusal.ts";
import { no } from "../result.ts";
import type { Instant } from "../time.ts";
import { admits } from "./approvers.ts";
import { type CommandOf, enter, ipOf, type Of, type Outcome, WAKE } from "./moved.ts";
import { approverOf, nameOf, type VerifiedProof } from "./proof.ts";
import type { Approver, Challenge, Claimer, Decided, DecisionKind, Phase, Step } from "./state.ts";

/** Claimed, for whoever may decide on it. */
export function claim(challenge: Challenge, command: CommandOf<"claim">, now: Instant): Outcome {
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

/** Approved or denied, by a proof that fits the challenge. */
export function decide(challenge: Challenge, command: CommandOf<"approve" | "deny">, now: Instant): Outcome {
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
  const decided = { ...challenge, decided: decidedBy(command, approver, now) };
  if (command.name === "deny") return enter(decided, { name: "denied", approver, at: now }, steps, WAKE);
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
  return enter(decided, phase, steps, WAKE);
}

function decidedBy(
  { name: kind, proof, signed }: CommandOf<"approve" | "deny">,
  approver: Approver,
  at: Instant,
): Decided {
  const { userId, amr } = proof;
  return { kind, approver, userId, amr, at, ...(signed === undefined ? {} : { signed }) };
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
export const repeatsClaim = (command: CommandOf<"approve" | "deny">, phase: Of<"claimed">): boolean =>
  command.name === "approve" && command.evidence !== undefined && command.evidence === phase.evidence;
