import { enrollerOf } from "../challenge/approvers.ts";
import type { VerifiedProof } from "../challenge/proof.ts";
import { userSubject } from "../ids.ts";
import type { Prompt } from "../inbox/state.ts";
import type { Applied } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, type Result } from "../result.ts";
import { finishedEvent } from "./finished-event.ts";
import { endOverruled, isOverruled } from "./overruled.ts";
import { recordFinish } from "./record-finish.ts";

export type Decision = {
  readonly prompt: Prompt;
  readonly proof: VerifiedProof;
  /** Digest of the signature's own bytes, so that the same call may come again. */
  readonly evidence?: string;
  readonly ip?: string;
};

type Powers = Pick<Services, "rooms" | "inboxes" | "actions" | "records" | "background" | "log">;

/**
 * Carries a person's verified answer to the challenge. The inbox goes first: it refuses what was superseded or replayed and counts
 * a denial; then the challenge decides, once. A denial ends the challenge and is written to the audit trail. Nobody approves for an
 * action that was closed meanwhile (`cancelled`).
 */
export async function decideChallenge(powers: Powers, decision: Decision): Promise<Result<Applied, Refusal>> {
  const { prompt, proof } = decision;
  const { challengeId } = prompt;
  const [settled, overruled] = await Promise.all([
    powers.inboxes.settle(userSubject(proof.userId), {
      challengeId,
      decision: proof.decision,
      digest: proof.digest,
      ...(proof.kind === "device"
        ? { deviceId: proof.deviceId, enrolledAt: proof.enrolledAt, through: enrollerOf(proof) }
        : {}),
    }),
    proof.decision === "approve" && isOverruled(powers, prompt, proof.userId),
  ]);
  if (!settled.ok) return settled;
  if (overruled) {
    await endOverruled(powers.rooms, challengeId);
    return no({ code: "cancelled" });
  }
  const applied = await powers.rooms.apply(challengeId, {
    name: proof.decision,
    proof,
    promptedAt: settled.value.listedAt,
    ...(decision.evidence === undefined ? {} : { evidence: decision.evidence }),
    ...(decision.ip === undefined ? {} : { ip: decision.ip }),
  });
  if (applied.ok && applied.value.changed && applied.value.view.state === "denied") {
    await recordFinish(powers, challengeId, finishedEvent(applied.value));
  }
  return applied;
}
