import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { ok, type Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { deleteUser } from "./delete-user.ts";

/** Audit rows that one call empties; what is beyond is emptied by the next call, or hour by hour. */
export const ERASED_PER_CALL = 1_000;

type Powers = Pick<Services, "held"> & Parameters<typeof deleteUser>[0];

/**
 * Deletes a person, and takes addresses, places and names out of what the audit trail holds of them; what happened and when stays. Also for
 * an id whose user is gone, so that a call that was cut short can be made again. `more`: there are rows left for another call.
 */
export async function erasePerson(
  powers: Powers,
  userId: UserId,
  { actor }: Requester,
): Promise<Result<{ readonly events: number; readonly more: boolean }, RefusalOf<"unknown_user">>> {
  const deleted = await deleteUser(powers, userId, { actor });
  if (!deleted.ok && (await powers.held.rows(userId, "events", undefined, 1)).length === 0) return deleted;
  // The operator's own address is no part of this row: it would be emptied with the others.
  const event = auditEvent(powers, { type: "user.erased", actor, userId });
  const events = await powers.held.erase(userId, ERASED_PER_CALL, event);
  return ok({ events, more: events === ERASED_PER_CALL });
}
