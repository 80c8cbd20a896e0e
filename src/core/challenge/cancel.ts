import { type ChallengeId, type UserId, userSubject } from "../ids.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import { finishedEvent, recordFinish } from "./record.ts";

type Powers = Pick<Services, "challenges" | "inboxes" | "records" | "background" | "log">;

/**
 * Ends a challenge without a decision, whoever waits for it, and takes its prompt from the user's devices. It is no denial and
 * silences nothing (settled question 18). One that ended before stays as it ended; false when there is no such challenge, or not yet.
 */
export async function cancelChallenge(
  powers: Powers,
  asked: {
    readonly challengeId: ChallengeId;
    readonly userId: UserId;
    readonly by: string;
    readonly ip?: string | undefined;
  },
): Promise<boolean> {
  const { challengeId, userId, by, ip } = asked;
  const applied = await powers.challenges.apply(challengeId, {
    name: "cancel",
    by,
    ...(ip === undefined ? {} : { ip }),
  });
  await powers.inboxes.withdraw(userSubject(userId), challengeId);
  if (!applied.ok) return applied.error.code !== "unknown_challenge";
  if (applied.value.changed) await recordFinish(powers, challengeId, finishedEvent(applied.value));
  return true;
}

/** Takes a challenge back: its object is cancelled, its prompt leaves the user's inbox. What is over stays as it was. */
export async function withdrawChallenge(
  powers: Pick<Services, "challenges" | "inboxes">,
  { spec }: Pick<Snapshot, "spec">,
  by: string,
): Promise<void> {
  await powers.challenges.apply(spec.id, { name: "cancel", by });
  if (spec.userId !== undefined) await powers.inboxes.withdraw(userSubject(spec.userId), spec.id);
}

/** Who cancels a challenge whose match code was guessed at too often: that counts as a failure, other cancels do not. */
export const OUT_OF_ATTEMPTS = "match_code";

/** Who cancels a challenge in whose place the same waiter has begun another one: nobody has answered it. */
export const REPLACED = "refreshed";
