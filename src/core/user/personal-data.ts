import { auditEvent, type Requester } from "../audit/record.ts";
import type { JsonObject } from "../challenge/state.ts";
import { type UserId, userSubject } from "../ids.ts";
import type { Prompt, Subscription } from "../inbox/state.ts";
import { PERSONAL_LISTS, type PersonalList } from "../ports/personal-data.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM, type UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { deleteUser } from "./delete.ts";

/** Audit rows that one call empties; what is beyond is emptied by the next call, or hour by hour. */
export const ERASED_PER_CALL = 1_000;

type Powers = Pick<Services, "held"> & Parameters<typeof deleteUser>[0];

/**
 * Deletes a user, and takes addresses, places and names out of what the audit trail holds of them; what happened and when stays. Also for
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

/** Rows that one page holds at most, over all lists. */
export const EXPORTED_ROWS = 500;

/** Where a page ended: in which list, behind which key. */
export type ExportCursor = { readonly list: PersonalList; readonly key: readonly string[] };

/** What is held about a user. The first page begins with who they are; rows of a list go on where the page before ended. */
export type PersonExport = {
  readonly person?: {
    readonly user?: UserRecord;
    readonly prompts: readonly Prompt[];
    readonly subscriptions: readonly Subscription[];
  };
  readonly lists: Readonly<Record<PersonalList, readonly JsonObject[]>>;
  readonly next?: ExportCursor;
};

type ExportPowers = Pick<Services, "users" | "inboxes" | "held">;

/**
 * One page of everything that is held about a user, deleted or not: at most `EXPORTED_ROWS` rows, and one statement for each list.
 * `unknown_user` when there is nothing at all.
 */
export async function exportPerson(
  powers: ExportPowers,
  userId: UserId,
  after?: ExportCursor,
): Promise<Result<PersonExport, RefusalOf<"unknown_user">>> {
  const person = after === undefined ? await whoIs(powers, userId) : undefined;
  const lists: Record<PersonalList, readonly JsonObject[]> = {
    profiles: [],
    old_profiles: [],
    devices: [],
    authenticators: [],
    grants: [],
    codes: [],
    recovery_codes: [],
    actions: [],
    events: [],
  };
  let left = EXPORTED_ROWS;
  for (const list of PERSONAL_LISTS.slice(after === undefined ? 0 : PERSONAL_LISTS.indexOf(after.list))) {
    const key = list === after?.list && after.key.length > 0 ? after.key : undefined;
    const rows = await powers.held.rows(userId, list, key, left + 1);
    const page = rows.slice(0, left);
    lists[list] = page.map(({ row }) => row);
    left -= page.length;
    if (rows.length > page.length) {
      const last = page.at(-1)?.key ?? key;
      return ok({ ...(person && { person }), lists, next: { list, key: last ?? [] } });
    }
  }
  const isNobody = after === undefined && person?.user === undefined && left === EXPORTED_ROWS;
  return isNobody ? no({ code: "unknown_user" }) : ok({ ...(person && { person }), lists });
}

async function whoIs(powers: ExportPowers, userId: UserId) {
  const who = userSubject(userId);
  const [user, { prompts }, subscriptions] = await Promise.all([
    powers.users.byId(userId, ANY_REALM),
    powers.inboxes.view(who),
    powers.inboxes.subscriptionsOf(who),
  ]);
  return { ...(user && { user }), prompts, subscriptions };
}
