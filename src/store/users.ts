import { and, asc, eq, exists, gt, inArray, not, or, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { parseUserId, type UserId } from "../core/ids.ts";
import type { NewUser, UserRecord, Users } from "../core/ports/users.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok } from "../core/result.ts";
import { type ReadIdentifier, readIdentifier } from "../core/user/identifier.ts";
import type { AssertedBy, Identifier, User } from "../core/user/user.ts";
import { record, recordWhere } from "./audit.ts";
import { commit, type Store, sheltered } from "./database.ts";
import { present, rowWhere } from "./rows.ts";
import { actions, authenticators, devices, identifiers, profiles, users } from "./schema.ts";

type JoinedRow = {
  readonly user: typeof users.$inferSelect;
  readonly identifier: typeof identifiers.$inferSelect | null;
};
type GivenIdentifier = NewUser["identifiers"][number];

type Collected = { readonly user: User; readonly identifiers: Identifier[] };

function toRecords(rows: readonly JoinedRow[]): UserRecord[] {
  const found = new Map<UserId, Collected>();
  for (const { user, identifier } of rows) {
    const record: Collected = found.get(user.id) ?? { user: present(user), identifiers: [] };
    if (identifier !== null) record.identifiers.push(present(identifier));
    found.set(user.id, record);
  }
  return [...found.values()];
}

function clash(column: string): RefusalOf<"user_exists"> {
  if (column.startsWith("identifiers.")) return { code: "user_exists", field: "identifier" };
  return { code: "user_exists", field: column === "users.external_id" ? "external_id" : "id" };
}

const isNamed = ({ kind, normal }: ReadIdentifier) =>
  and(eq(identifiers.kind, kind), eq(identifiers.normal, normal));

/** Every row of the users that `where` picks, joined with their identifiers: one query. */
const recordsWhere = async (db: Store, where: SQL | undefined): Promise<UserRecord[]> =>
  toRecords(
    await db
      .select({ user: users, identifier: identifiers })
      .from(users)
      .leftJoin(identifiers, eq(identifiers.userId, users.id))
      .where(where)
      .orderBy(asc(users.id), asc(identifiers.kind), asc(identifiers.normal)),
  );

/** The same of one user at the end of a batch, where rows come by the names of their columns and a join would mix them up. */
const readBack = (db: Store, id: UserId) =>
  [
    db
      .select()
      .from(identifiers)
      .where(eq(identifiers.userId, id))
      .orderBy(asc(identifiers.kind), asc(identifiers.normal)),
    db.select().from(users).where(eq(users.id, id)),
  ] as const;

function toRecord(results: readonly unknown[]): UserRecord | undefined {
  const [named, found] = results.slice(-2) as [
    (typeof identifiers.$inferSelect)[],
    (typeof users.$inferSelect)[],
  ];
  return found.map((user) => ({ user: present(user), identifiers: named.map(present) }))[0];
}

const isUser = (db: Store, id: UserId): SQL =>
  exists(db.select({ id: users.id }).from(users).where(eq(users.id, id)));

/**
 * Writes one identifier of an existing user. Held by another user it is taken over when it is now verified and was only ever
 * asserted anonymously (settled question 23); otherwise the null that results undoes the batch.
 */
function assertIdentifier(db: Store, userId: UserId, given: GivenIdentifier, now: number) {
  const isOwn = sql`${identifiers.userId} = excluded.user_id`;
  const mayTake = sql`excluded.verified_at is not null and ${identifiers.verifiedAt} is null
    and (${identifiers.assertedBy} = 'anonymous' or ${identifiers.assertedBy} = 'client' and excluded.asserted_by = 'proof')`;
  const owner = isUser(db, userId);
  return db
    .insert(identifiers)
    .select(rowWhere(identifiers, { ...given, userId, createdAt: now }, owner))
    .onConflictDoUpdate({
      target: [identifiers.kind, identifiers.normal],
      set: {
        userId: sql`case when ${isOwn} or (${mayTake}) then excluded.user_id end`,
        value: sql`excluded.value`,
        assertedBy: sql`excluded.asserted_by`,
        // What was proven of this very identifier stays proven.
        verifiedAt: sql`case when ${isOwn} then coalesce(excluded.verified_at, ${identifiers.verifiedAt})
          else excluded.verified_at end`,
        createdAt: sql`case when ${isOwn} then ${identifiers.createdAt} else excluded.created_at end`,
      },
    });
}

/** Brings a user's identifiers to exactly these, keeping what is known of those that stay. */
function replaceIdentifiers(db: Store, userId: UserId, given: readonly GivenIdentifier[], now: number) {
  const ofThem = eq(identifiers.userId, userId);
  const kept = or(...given.map(isNamed));
  return [
    db.delete(identifiers).where(kept === undefined ? ofThem : and(ofThem, not(kept))),
    ...given.map((identifier) => assertIdentifier(db, userId, identifier, now)),
  ];
}

/** The ids that a free text may mean, in order of preference; SQLite stops at the first that is found. */
function anyName(db: Store, text: string): SQL {
  const column = { id: users.id };
  const identifier = readIdentifier(text);
  const ways: SQLWrapper[] = [
    db
      .select(column)
      .from(users)
      .where(eq(users.id, parseUserId(text) ?? (text as UserId))),
    db.select(column).from(users).where(eq(users.externalId, text)),
  ];
  if (identifier !== undefined)
    ways.push(db.select({ id: identifiers.userId }).from(identifiers).where(isNamed(identifier)));
  return sql`coalesce(${sql.join(ways, sql`, `)})`;
}

const ADMIN: AssertedBy = "admin";

/** Users and their identifiers over D1, each batch guarded by the unique constraints. */
export function makeUsers(db: Store): Users {
  const byId = async (id: UserId) => (await recordsWhere(db, eq(users.id, id)))[0];

  return sheltered<Users>({
    byId,
    byExternalId: async (externalId) => (await recordsWhere(db, eq(users.externalId, externalId)))[0],

    async byIdentifier(identifier) {
      const owner = db.select({ id: identifiers.userId }).from(identifiers).where(isNamed(identifier));
      return (await recordsWhere(db, eq(users.id, sql`${owner}`)))[0];
    },

    byAnyName: async (text) => (await recordsWhere(db, eq(users.id, anyName(db, text))))[0],

    async insert({ identifiers: given, assertedBy, ...name }, event, now) {
      const by = name.externalId === undefined ? {} : { externalAssertedBy: assertedBy ?? ADMIN };
      const user: User = { ...name, ...by, status: "active", createdAt: now, updatedAt: now };
      const rows = given.map((identifier) => ({ ...identifier, userId: user.id, createdAt: now }));
      const written = await commit(db, [
        db.insert(users).values(user),
        ...rows.map((row) => db.insert(identifiers).values(row)),
        record(db, event),
      ]);
      return written.ok ? ok({ user, identifiers: rows }) : no(clash(written.error));
    },

    async update(id, { identifiers: given, added, ...change }, now, event) {
      const { externalId } = change;
      const by = externalId === undefined ? {} : { externalAssertedBy: externalId === null ? null : ADMIN };
      const written = await commit(db, [
        db
          .update(users)
          .set({ ...change, ...by, updatedAt: now })
          .where(eq(users.id, id)),
        ...(given === undefined ? [] : replaceIdentifiers(db, id, given, now)),
        ...(added === undefined ? [] : [assertIdentifier(db, id, added, now)]),
        ...(event === undefined ? [] : [recordWhere(db, event, isUser(db, id))]),
        ...readBack(db, id),
      ]);
      if (!written.ok) return no(clash(written.error));
      const changed = toRecord(written.value);
      return changed === undefined ? no({ code: "unknown_user" }) : ok(changed);
    },

    async remove(id, event) {
      const isThere = isUser(db, id);
      // The audit row goes first, while its guard can still see the user.
      const written = event === undefined ? [] : [recordWhere(db, event, isThere)];
      const gone = db.delete(users).where(eq(users.id, id)).returning({ id: users.id });
      const results = await db.batch([
        db.delete(identifiers).where(eq(identifiers.userId, id)),
        db.delete(devices).where(eq(devices.userId, id)),
        db.delete(actions).where(eq(actions.userId, id)),
        db.delete(authenticators).where(eq(authenticators.userId, id)),
        db.delete(profiles).where(eq(profiles.userId, id)),
        ...written,
        gone,
      ]);
      return (results.at(-1) as Awaited<typeof gone>).length === 1;
    },

    async page(after, size) {
      const ids = db
        .select({ id: users.id })
        .from(users)
        .where(after === undefined ? undefined : gt(users.id, after))
        .orderBy(asc(users.id))
        .limit(size);
      return await recordsWhere(db, inArray(users.id, ids));
    },
  });
}
