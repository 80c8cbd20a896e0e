import {
  and,
  asc,
  eq,
  exists,
  getTableColumns,
  inArray,
  isNotNull,
  lt,
  ne,
  not,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { JsonObject } from "../core/challenge/state.ts";
import type { UserId } from "../core/ids.ts";
import type { PersonalData, PersonalList, PersonalRow } from "../core/ports/personal-data.ts";
import type { Instant } from "../core/time.ts";
import { record } from "./audit.ts";
import { type Store, sheltered } from "./database.ts";
import {
  actions,
  auditEvents,
  authenticators,
  clientProfiles,
  devices,
  erasures,
  grants,
  profiles,
  recoveryCodes,
  userCodes,
  users,
} from "./schema.ts";

/** A list: its table, what its rows are ordered by within one user, and columns that are nobody's to read. */
type Listed = {
  readonly table: SQLiteTable;
  readonly user: SQLiteColumn;
  readonly key: readonly SQLiteColumn[];
  readonly hidden?: readonly string[];
};

const LISTS: Readonly<Record<PersonalList, Listed>> = {
  profiles: { table: clientProfiles, user: clientProfiles.userId, key: [clientProfiles.clientId] },
  old_profiles: { table: profiles, user: profiles.userId, key: [profiles.userId] },
  devices: { table: devices, user: devices.userId, key: [devices.id] },
  authenticators: { table: authenticators, user: authenticators.userId, key: [authenticators.id] },
  grants: { table: grants, user: grants.userId, key: [grants.id] },
  codes: { table: userCodes, user: userCodes.userId, key: [userCodes.challengeId], hidden: ["code_hash"] },
  recovery_codes: {
    table: recoveryCodes,
    user: recoveryCodes.userId,
    key: [recoveryCodes.number],
    hidden: ["code_hash"],
  },
  actions: {
    table: actions,
    user: actions.userId,
    key: [actions.clientId, actions.code, actions.idempotencyKey],
  },
  events: { table: auditEvents, user: auditEvents.userId, key: [auditEvents.id] },
};

/** What is left of `data` in a row of somebody who is forgotten: that there was some. */
const ERASED = { erased: true };
const ERASED_TEXT = JSON.stringify(ERASED);

/** Rows that hold something about their user. */
const isTelling = or(
  isNotNull(auditEvents.ip),
  and(isNotNull(auditEvents.data), ne(sql`${auditEvents.data}`, ERASED_TEXT)),
);

/** Ids of audit rows begin with their moment in 12 hexadecimal digits. */
const idAt = (at: Instant): string => at.toString(16).padStart(12, "0");

/** Rows that say whose a lock is, for as long as it holds: who may undo it is asked of them. */
const isOfALock = (db: Store): SQL =>
  sql`(${inArray(auditEvents.type, ["user.locked", "user.active"])} and ${exists(
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, auditEvents.userId), eq(users.status, "locked"))),
  )})`;

const listOf = (columns: readonly SQLiteColumn[]): SQL => sql.join([...columns], sql`, `);

async function rowsOf(
  db: Store,
  userId: UserId,
  list: PersonalList,
  after: readonly string[] | undefined,
  size: number,
): Promise<readonly PersonalRow[]> {
  const { table, user, key, hidden = [] } = LISTS[list];
  const rows = await db
    .select()
    .from(table)
    .where(
      and(
        // Said twice for the partial indexes, which are only for rows that name a user.
        isNotNull(user),
        eq(user, userId),
        after === undefined
          ? undefined
          : sql`(${listOf(key)}) > (${sql.join(
              after.map((part) => sql`${part}`),
              sql`, `,
            )})`,
      ),
    )
    .orderBy(...key.map((column) => asc(column)))
    .limit(size);
  const columns = Object.entries(getTableColumns(table));
  return rows.map((row) => {
    const told = columns.map(([name, column]) => [column.name, row[name] ?? null] as const);
    const byName = Object.fromEntries(told) as JsonObject;
    return {
      key: key.map(({ name }) => String(byName[name])),
      row: Object.fromEntries(told.filter(([name]) => !hidden.includes(name))) as JsonObject,
    };
  });
}

/** What is held about users, over D1. */
export function makePersonalData(db: Store): PersonalData {
  const scrubbed = (rows: SQL) =>
    db
      .update(auditEvents)
      .set({ ip: null, data: sql`case when ${auditEvents.data} is not null then ${ERASED_TEXT} end` })
      .where(sql`${auditEvents.id} in (${rows})`);

  return sheltered<PersonalData>({
    rows: (userId, list, after, size) => rowsOf(db, userId, list, after, size),

    async erase(userId: UserId, size, event) {
      const theirs = db
        .select({ id: auditEvents.id })
        .from(auditEvents)
        .where(and(isNotNull(auditEvents.userId), eq(auditEvents.userId, userId), isTelling))
        .orderBy(asc(auditEvents.id))
        .limit(size);
      const [, changed] = await db.batch([
        db
          .insert(erasures)
          .values({ userId, at: event.at })
          .onConflictDoUpdate({ target: erasures.userId, set: { at: event.at } }),
        scrubbed(theirs.getSQL()),
        record(db, event),
      ]);
      return changed.meta.changes;
    },

    async eraseLate(size) {
      const late = db
        .select({ id: auditEvents.id })
        .from(erasures)
        // In this order: the other way round it would walk the trail.
        .crossJoin(auditEvents)
        .where(and(isNotNull(auditEvents.userId), eq(auditEvents.userId, erasures.userId), isTelling))
        .limit(size);
      return (await scrubbed(late.getSQL())).meta.changes;
    },

    async endErasures(before, size) {
      const over = db
        .select({ userId: erasures.userId })
        .from(erasures)
        .where(lt(erasures.at, before))
        .limit(size);
      return (await db.delete(erasures).where(inArray(erasures.userId, over))).meta.changes;
    },

    async trim(before, size) {
      const old = db
        .select({ id: auditEvents.id })
        .from(auditEvents)
        .where(and(lt(auditEvents.id, idAt(before)), not(isOfALock(db))))
        .orderBy(asc(auditEvents.id))
        .limit(size);
      return (await db.delete(auditEvents).where(inArray(auditEvents.id, old))).meta.changes;
    },
  });
}
