import { auditEvent, type Requester } from "../audit/record.ts";
import { endInFlight } from "../challenge/end-in-flight.ts";
import { endCodes } from "../code/user-code.ts";
import { Outage } from "../fault.ts";
import { endGrants } from "../grant/end.ts";
import { type UserId, userSubject } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM, type Only } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";

type Powers = Pick<Services, "users"> &
  Parameters<typeof endGrants>[0] &
  Parameters<typeof endCodes>[0] &
  Parameters<typeof endInFlight>[0];

/**
 * Deletes a user: locks first, so that nothing new begins; ends the grants (beyond a page, through the queue) and what is under way, forgets
 * the inbox, then deletes the rows. The audit trail stays. Cut short by an outage, it can be asked for again: the rows go last.
 * With `only`, whoever this does not hold of when a statement is written is left, and refused like an unknown user.
 */
export async function deleteUser(
  powers: Powers,
  id: UserId,
  by: Requester,
  only?: Only,
): Promise<Result<undefined, RefusalOf<"unknown_user">>> {
  const event = auditEvent(powers, { type: "user.deleted", userId: id, ...by });
  const present = await powers.users.byId(id, ANY_REALM);
  if (!present) return no({ code: "unknown_user" });
  const lock = { status: "locked", ...(only === undefined ? {} : { only }) } as const;
  const locked = await powers.users.update(present.user, lock, event.at);
  if (!locked.ok) return no({ code: "unknown_user" });
  await endGrants(powers, { userId: id, reason: "user_deleted", ...by });
  await endInFlight(powers, { userId: id, reason: "user_deleted", ...by });
  await powers.inboxes.wipe(userSubject(id));
  if (!(await powers.users.remove(id, event, only))) {
    // The operator may name a locked user: then the lock, which was a step of this, goes again.
    const active = { status: "active", since: event.at } as const;
    if (only !== undefined && present.user.status === "active") {
      await powers.users.update(present.user, active, powers.clock.now());
    }
    return no({ code: "unknown_user" });
  }
  // Whoever waits on a code of theirs is told that there is nobody. The user is gone already, so an outage is not the caller's any more.
  try {
    await endCodes(powers, { userId: id, by: by.actor, ip: by.ip });
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    powers.log("warn", "the codes of a deleted user are left to run out", { cause });
  }
  return ok(undefined);
}
