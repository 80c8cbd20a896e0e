import { withdrawChallenge } from "../../../core/challenge/cancel.ts";
import { Outage } from "../../../core/fault.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Action } from "./action.ts";

/** Who cancels a challenge whose action was met by another one. */
export const MET_OTHERWISE = "met_otherwise";

/** The part of a challenge's context that says which challenge of the same action began before it. */
export const beganBefore = ({
  challengeId,
}: {
  readonly challengeId?: ChallengeId | undefined;
}): { readonly before?: ChallengeId } => (challengeId === undefined ? {} : { before: challengeId });

/** Ways that one action is asked in, one after the other, as far back as is looked. */
const WAYS = 8;

/**
 * Ends what an action still asks in other ways once it is met: its prompt leaves the user's devices and its waiter is told. `action` is how
 * its row stood before. What fails here ends by itself: the action is met.
 */
export async function endOtherWays(
  powers: Pick<Services, "challenges" | "inboxes" | "log">,
  action: Pick<Action, "challengeId">,
  met: Snapshot,
): Promise<void> {
  const seen = new Set<string>([met.spec.id]);
  const next = [action.challengeId, met.spec.context.before];
  try {
    for (let left = WAYS; left > 0 && next.length > 0; left--) {
      const text = next.shift();
      if (typeof text !== "string" || seen.has(text)) continue;
      seen.add(text);
      const id = powers.challenges.parse(text);
      const other = id && (await powers.challenges.read(id));
      if (!other) continue;
      next.push(other.spec.context.before);
      const { state } = other.view;
      if (state === "pending" || state === "claimed") await withdrawChallenge(powers, other, MET_OTHERWISE);
    }
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    powers.log("warn", "an action is still asked in another way", { challengeId: met.spec.id, cause });
  }
}
