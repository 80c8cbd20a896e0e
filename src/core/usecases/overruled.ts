import { mayBeMet } from "../action/action.ts";
import type { ChallengeSpec } from "../challenge/state.ts";
import type { ChallengeId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { OVERRULED } from "./settle-action.ts";

/**
 * Whether the backend, or somebody's no, has closed the action that this challenge would meet. Asked by whoever approves, because a
 * waiter's order redeems in the turn that approves; only the newest challenge of an action is taken back by the word that closes it.
 */
export async function isOverruled(
  { actions }: Pick<Services, "actions">,
  { door, clientId, context }: Pick<ChallengeSpec, "door" | "clientId" | "context">,
  userId: UserId,
): Promise<boolean> {
  const { action: code, idem: idempotencyKey } = context;
  if (door !== "authsignal" || typeof code !== "string" || typeof idempotencyKey !== "string") return false;
  const action = await actions.find({ clientId, userId, code, idempotencyKey });
  return action !== undefined && !mayBeMet(action.state);
}

/** Ends a challenge whose action is closed: its waiter is told so at once. */
export async function endOverruled(rooms: Services["rooms"], id: ChallengeId): Promise<void> {
  await rooms.apply(id, { name: "cancel", by: OVERRULED });
}
