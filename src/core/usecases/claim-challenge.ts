import { enrollerOf } from "../challenge/approvers.ts";
import type { VerifiedProof } from "../challenge/proof.ts";
import type { ChallengeId } from "../ids.ts";
import type { Applied, Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, type Result } from "../result.ts";
import { finishedEvent } from "./finished-event.ts";
import { endOverruled, isOverruled } from "./overruled.ts";
import { recordFinish } from "./record-finish.ts";

/** A device's signed answer to a challenge that it scanned; `evidence` is a digest of the signature's own bytes. */
export type Scanned = {
  readonly challengeId: ChallengeId;
  readonly proof: VerifiedProof;
  readonly evidence: string;
  readonly ip?: string;
};

const ipOf = ({ ip }: Scanned): { ip?: string } => (ip === undefined ? {} : { ip });

/**
 * Binds a scanned challenge to the device that scanned it: the first one, for good. Refused for another one, for another user, and for a
 * device that is younger than the challenge (`device_too_young`): it could not answer.
 */
export async function claimChallenge(
  powers: Pick<Services, "rooms">,
  scanned: Scanned,
): Promise<Result<Applied, Refusal>> {
  const { challengeId, proof, evidence } = scanned;
  if (proof.kind !== "device") return no({ code: "bad_signature" });
  const { deviceId, userId, enrolledAt } = proof;
  return powers.rooms.apply(challengeId, {
    name: "claim",
    deviceId,
    userId,
    ...enrollerOf(proof),
    enrolledAt,
    evidence,
    ...ipOf(scanned),
  });
}

/**
 * Carries the claimer's answer to a scanned challenge, which is in nobody's inbox. Claim and approval sign the same text, so an approval
 * whose signature is the claim's own is refused as `replayed` (Authsignal §11.1). Nobody approves for an action that was closed
 * meanwhile (`cancelled`).
 */
export async function decideClaimed(
  powers: Pick<Services, "rooms" | "actions" | "records" | "background" | "log">,
  { spec, claimant }: Snapshot,
  scanned: Scanned,
): Promise<Result<Applied, Refusal>> {
  const { challengeId, proof, evidence } = scanned;
  // Only the claimer's word may end it: another one's action may go by the same name.
  const mayApprove = proof.decision === "approve" && proof.userId === claimant;
  if (mayApprove && (await isOverruled(powers, spec, proof.userId))) {
    await endOverruled(powers.rooms, challengeId);
    return no({ code: "cancelled" });
  }
  const command = { name: proof.decision, proof, evidence, ...ipOf(scanned) } as const;
  const applied = await powers.rooms.apply(challengeId, command);
  if (applied.ok && applied.value.changed && applied.value.view.state === "denied") {
    await recordFinish(powers, challengeId, finishedEvent(applied.value));
  }
  return applied;
}
