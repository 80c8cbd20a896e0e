import type { Command } from "../../src/core/challenge/command.ts";
import type { Moved } from "../../src/core/challenge/moved.ts";
import type { VerifiedProof } from "../../src/core/challenge/proof.ts";
import type { Challenge, ChallengeSpec, Phase, PhaseName } from "../../src/core/challenge/state.ts";
import type { ClientId } from "../../src/core/ids.ts";
import type { Refusal } from "../../src/core/refusal.ts";
import type { Result } from "../../src/core/result.ts";
import type { Instant } from "../../src/core/time.ts";
import { type Cell, TABLE } from "./table.ts";

/** What the table promises for one command: the phase it leads to, `same`, or `✗` and the refusal's code. */
export type Promised = `→${PhaseName}` | "same" | `✗ ${Refusal["code"]}`;

/** What the function answered, in the table's words. */
export function answered(before: Challenge, result: Result<Moved, Refusal>): Promised {
  if (!result.ok) return `✗ ${result.error.code}`;
  const { next } = result.value;
  return next.phase.name === before.phase.name && next.version === before.version
    ? "same"
    : `→${next.phase.name}`;
}

/**
 * Reads the cell of a challenge whose time is not over, and decides its `?` and the notes of docs/challenge.md from the words
 * there, not from the function's code.
 */
export function promised(challenge: Challenge, command: Command, now: Instant): Promised {
  const { spec, phase } = challenge;
  const cell: Cell = TABLE[phase.name][command.name];
  const [usual, otherwise] = cell.split("? ") as [Promised, Refusal["code"] | undefined];
  if (otherwise !== undefined && !isFitting(spec, phase, command, now)) return `✗ ${otherwise}`;
  const unfit = usual.startsWith("→") ? unfitness(spec, command) : undefined;
  return unfit === undefined ? usual : `✗ ${unfit}`;
}

/** The condition behind a cell's `?`. */
function isFitting(spec: ChallengeSpec, phase: Phase, command: Command, now: Instant): boolean {
  switch (phase.name) {
    case "pending":
      return !spec.requiresClaim;
    case "claimed": {
      const actor = command.name === "claim" ? command : "proof" in command ? claimerOf(command.proof) : {};
      if (!("userId" in actor) || actor.userId !== phase.userId) return false;
      if ("sessionId" in actor) return "sessionId" in phase;
      return "deviceId" in phase && actor.deviceId === phase.deviceId;
    }
    case "redeemed":
      return (
        command.name === "redeem" &&
        command.waiterProof === phase.waiterProof &&
        now - phase.at < spec.replayWindow
      );
    default:
      throw new Error(`no cell of ${phase.name} has a condition`);
  }
}

function claimerOf(proof: VerifiedProof) {
  if (proof.kind === "session") return { sessionId: proof.sessionId, userId: proof.userId };
  return proof.kind === "device" ? { deviceId: proof.deviceId, userId: proof.userId } : {};
}

/** The notes: who may never claim or decide, whatever the phase. */
function unfitness(spec: ChallengeSpec, command: Command): Refusal["code"] | undefined {
  const isForeign = (userId: string) => spec.userId !== undefined && spec.userId !== userId;
  const isStrange = (clientId: ClientId) =>
    clientId !== spec.clientId && spec.approvers !== "realm" && !(spec.approvers ?? "own").includes(clientId);
  const isYoung = (enrolledAt: Instant) => enrolledAt > spec.createdAt;
  if (command.name === "claim") {
    if (isForeign(command.userId)) return "device_of_another_user";
    if ("sessionId" in command) return undefined;
    if (isStrange(command.clientId)) return "device_of_another_client";
    return command.enrolledAt !== undefined && isYoung(command.enrolledAt) ? "device_too_young" : undefined;
  }
  if (command.name !== "approve" && command.name !== "deny") return undefined;
  const { proof } = command;
  if (proof.decision !== command.name) return "bad_signature";
  if (isForeign(proof.userId)) return "device_of_another_user";
  if (proof.kind !== "device") return undefined;
  if (isStrange(proof.clientId)) return "device_of_another_client";
  return isYoung(proof.enrolledAt) ? "device_too_young" : undefined;
}
