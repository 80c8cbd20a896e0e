import { Outage } from "../fault.ts";
import { type ChallengeId, type UserId, userSubject } from "../ids.ts";
import type { Named } from "../inbox/named.ts";
import type { Prompt } from "../inbox/state.ts";
import type { Applied, Snapshot } from "../ports/challenges.ts";
import type { DoorPorts, Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, type Result } from "../result.ts";
import { enrollerOf } from "./approvers.ts";
import type { Command } from "./command.ts";
import type { VerifiedProof } from "./proof.ts";
import { finishedEvent, recordFinish, tellSettled } from "./record.ts";
import { SEALED_FOR, type Sealed } from "./signed.ts";
import type { ChallengeSpec, DecisionKind } from "./state.ts";

/** A device's signed answer to a challenge that it scanned; `evidence` is a digest of the signature's own bytes. */
export type Scanned = {
  readonly challengeId: ChallengeId;
  readonly proof: VerifiedProof;
  readonly evidence: string;
  readonly page?: string;
  readonly ip?: string;
};

export const ipOf = ({ ip }: Scanned): { ip?: string } => (ip === undefined ? {} : { ip });

/** What a step keeps of how the answer came. */
const keptOf = ({ evidence, page, ip }: Pick<Word, "evidence" | "page" | "ip">) => ({
  ...(evidence === undefined ? {} : { evidence }),
  ...(page === undefined ? {} : { page }),
  ...(ip === undefined ? {} : { ip }),
});

/**
 * Binds a scanned challenge to the device that scanned it: the first one, for good. Refused for another one, for another user, and for a
 * device that is younger than the challenge (`device_too_young`): it could not answer.
 */
export async function claimChallenge(
  powers: Pick<Services, "challenges">,
  scanned: Scanned,
): Promise<Result<Applied, Refusal>> {
  const { challengeId, proof, evidence } = scanned;
  if (proof.kind !== "device") return no({ code: "bad_signature" });
  const { deviceId, userId, enrolledAt } = proof;
  return powers.challenges.apply(challengeId, {
    name: "claim",
    deviceId,
    userId,
    ...enrollerOf(proof),
    enrolledAt,
    evidence,
    ...ipOf(scanned),
  });
}

type Word = {
  readonly proof: VerifiedProof;
  /** Digest of the signature's own bytes, so that the same call may come again. */
  readonly evidence?: string;
  /** The build of the page that asked, as what was signed names it. */
  readonly page?: string;
  readonly ip?: string;
};

export type Decision = Word & { readonly prompt: Prompt };
/** Of a door that speaks in numbers: the prompt is found in the step that settles it. */
export type NamedDecision = Word & { readonly named: Named };

type Powers = Pick<
  Services,
  | "challenges"
  | "inboxes"
  | "doors"
  | keyof DoorPorts
  | "records"
  | "events"
  | "sealing"
  | "clock"
  | "chance"
  | "background"
  | "log"
>;

/**
 * Carries a user's verified answer to the challenge. The inbox goes first: it refuses what was superseded or replayed and counts
 * a denial; then the challenge decides, once. A denial ends the challenge and is written to the audit trail. Nobody approves for an
 * action that was closed meanwhile (`cancelled`).
 */
export async function decideChallenge(powers: Powers, decision: Decision): Promise<Result<Applied, Refusal>> {
  const { prompt, proof } = decision;
  const [settled, closer] = await Promise.all([
    powers.inboxes.settle(userSubject(proof.userId), { challengeId: prompt.challengeId, ...answerOf(proof) }),
    proof.decision === "approve" ? closedBy(powers, prompt, proof.userId) : undefined,
  ]);
  return settled.ok ? await carry(powers, decision, settled.value, closer) : settled;
}

/** The same for a prompt that a number names, which is answered: one call to the inbox finds, compares and settles it. */
export async function decideNamed(powers: Powers, decision: NamedDecision): Promise<Result<Prompt, Refusal>> {
  const { named, proof } = decision;
  const settled = await powers.inboxes.settle(userSubject(proof.userId), { named, ...answerOf(proof) });
  if (!settled.ok) return settled;
  const closer =
    proof.decision === "approve" ? await closedBy(powers, settled.value, proof.userId) : undefined;
  const applied = await carry(powers, decision, settled.value, closer);
  return applied.ok ? settled : applied;
}

const answerOf = (proof: VerifiedProof) => ({
  decision: proof.decision,
  digest: proof.digest,
  ...(proof.kind === "device"
    ? { deviceId: proof.deviceId, enrolledAt: proof.enrolledAt, through: enrollerOf(proof) }
    : {}),
});

/** Carries what the inbox has settled to the challenge, which decides. */
async function carry(
  powers: Powers,
  { proof, ...word }: Word,
  { challengeId, clientId, listedAt, status }: Prompt,
  closer: string | undefined,
): Promise<Result<Applied, Refusal>> {
  if (closer !== undefined) return await endClosed(powers, challengeId, closer);
  const applied = await applyWord(
    powers,
    { id: challengeId, clientId },
    { name: proof.decision, proof, promptedAt: listedAt, ...keptOf(word) },
  );
  // A start opens its challenge beside the prompt. Who answers in between asks again: the inbox lets the same answer pass.
  if (!applied.ok && applied.error.code === "unknown_challenge" && status.name === "live")
    throw new Outage("the challenge of this prompt is not open yet");
  return applied;
}

/** The request that is decided. */
type Asked = Pick<ChallengeSpec, "id" | "clientId">;

/**
 * What a device has signed, closed for the receipt (docs/decisions/0104). Whoever signs in by a call of their own has signed nothing that they
 * were asked, and may repeat that call: theirs never comes here. An app's text names the user as that app does, which is no other client's
 * business (decision 34); a phone of our own pages signs what was shown and nothing else.
 */
async function sealedOf(
  { sealing, chance }: Pick<Services, "sealing" | "chance">,
  { clientId }: Asked,
  proof: VerifiedProof,
): Promise<{ readonly signed?: Sealed }> {
  if (proof.kind !== "device" || proof.signed === undefined) return {};
  if (proof.reach === undefined && proof.clientId !== clientId) return {};
  const id = chance.uuid();
  return { signed: { id, sealed: await sealing.seal(JSON.stringify(proof.signed), SEALED_FOR, id) } };
}

/** The proof as it goes to the object, which has no use for what was signed. */
function bare(proof: VerifiedProof): VerifiedProof {
  if (proof.kind !== "device") return proof;
  const { signed: _, ...rest } = proof;
  return rest;
}

/** A decision is told to whoever waits elsewhere; a denial ends the challenge too, so it is put on record behind the answer. */
async function applyWord(
  powers: Omit<Powers, "inboxes" | "clock">,
  asked: Asked,
  word: Extract<Command, { name: DecisionKind }>,
): Promise<Result<Applied, Refusal>> {
  const { proof } = word;
  const command = { ...word, proof: bare(proof), ...(await sealedOf(powers, asked, proof)) };
  const applied = await powers.challenges.apply(asked.id, command);
  if (!applied.ok || !applied.value.changed) return applied;
  tellSettled(powers, applied.value);
  // A bare audit row delays nobody.
  if (applied.value.view.state === "denied")
    powers.background(() => recordFinish(powers, asked.id, finishedEvent(applied.value)));
  return applied;
}

/**
 * Carries the claimer's answer to a scanned challenge, which is in nobody's inbox. Claim and approval sign the same text, so an approval
 * whose signature is the claim's own is refused as `replayed` (Authsignal §11.1). Nobody approves for an action that was closed
 * meanwhile (`cancelled`).
 */
export async function decideClaimed(
  powers: Omit<Powers, "inboxes">,
  { spec, claimant }: Snapshot,
  scanned: Scanned,
): Promise<Result<Applied, Refusal>> {
  const { challengeId, proof } = scanned;
  // Only the claimer's word may end it: another one's action may go by the same name.
  const mayApprove = proof.decision === "approve" && proof.userId === claimant;
  const closer = mayApprove ? await closedBy(powers, spec, proof.userId) : undefined;
  if (closer !== undefined) return await endClosed(powers, challengeId, closer);
  const asked = { id: challengeId, clientId: spec.clientId };
  return await applyWord(powers, asked, { name: proof.decision, proof, ...keptOf(scanned) });
}

/**
 * Who has closed what this challenge would meet: the door says so. Asked by whoever approves, because a waiter's order redeems in the turn
 * that approves.
 */
const closedBy = async (
  powers: Omit<Powers, "inboxes">,
  asked: Pick<ChallengeSpec, "door" | "clientId" | "context">,
  userId: UserId,
): Promise<string | undefined> =>
  await powers.doors.find(({ door }) => door === asked.door)?.closedBy(powers, asked, userId);

/** Ends a challenge that would meet what is closed: its waiter is told so at once. */
async function endClosed(
  { challenges }: Pick<Services, "challenges">,
  id: ChallengeId,
  by: string,
): Promise<Result<never, Refusal>> {
  await challenges.apply(id, { name: "cancel", by });
  return no({ code: "cancelled" });
}
