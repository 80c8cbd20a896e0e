import { withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { Services } from "../../../core/ports/services.ts";
import { type Action, type ActionKey, type ActionState, mayBeMet } from "./action.ts";
import { OVERRULED, outcomeOf } from "./settle.ts";

type Powers = Pick<Services, "actions" | "challenges" | "inboxes" | "clock">;

/**
 * Sets an action's state by the backend's word (Authsignal §5.1). Where that word is failed, blocked or a review, what its user was
 * still asked is taken back first: nobody approves what has been decided. Undefined: there is no such action.
 */
export async function overruleAction(
  powers: Powers,
  key: ActionKey,
  state: ActionState,
): Promise<Action | undefined> {
  const before = await powers.actions.find(key);
  if (!before) return undefined;
  const takesBack = !mayBeMet(state);
  if (takesBack) await takeBack(powers, before);
  const after = await powers.actions.setState(key, state, powers.clock.now());
  if (takesBack && after && after.challengeId !== before.challengeId) await takeBack(powers, after);
  return after;
}

async function takeBack(powers: Powers, { challengeId }: Action): Promise<void> {
  const snapshot = challengeId === undefined ? undefined : await powers.challenges.read(challengeId);
  if (snapshot && outcomeOf(snapshot) === "open") await withdrawChallenge(powers, snapshot, OVERRULED);
}
