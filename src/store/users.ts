import { and, asc, eq, exists, gt, inArray, not, or, type SQL, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { type ClientId, MAIN, type UserId } from "../core/ids.ts";
import { ANY_REALM, type UserChange, type UserRecord, type Users, type Within } from "../core/ports/users.ts";
import { no, ok } from "../core/result.ts";
import type { AssertedBy, Identifier, User } from "../core/user/user.ts";
import { recordWhere } from "./audit.ts";
import { holds } from "./belonging.ts";
import { commit, type Store, sheltered } from "./database.ts";
import { toDevice } from "./devices.ts";
import { hasUser, heard, obstacle, stands, verdict } from "./guards.ts";
import { displacedIn, giveIdentifiers, isNamed, namersFor, type Writing } from "./names.ts";
import { clash, makeNewUsers } from "./new-users.ts";
import { OPERATOR, ownerOf } from "./owners.ts";
import {
  actions,
  authenticators,
  clientProfiles,
  devices,
  identifiers,
  profiles,
  recoveryCodes,
  users,
} from "./schema.ts";
import {
  userByExternalId,
  userById,
  userByIdentifier,
  userByIdWithin,
  userByKey,
  userByText,
  userByTextWithKey,
  usersWhere,
} from "./user-queries.ts";
import { type IdentifierRow, toIdentifier, toRecord, toUser, type UserRow } from "./user-rows.ts";
import { userWithWays } from "./user-ways.ts";

type JoinedRow = { readonly user: UserRow; readonly identifier: IdentifierRow | null };
type Collected = { readonly user: User; readonly identifiers: Identifier[] };

function toRecords(rows: readonly JoinedRow[]): UserRecord[] {
  const found = new Map<UserId, Collected>();
  for (const { user, identifier } of rows) {
    const record: Collected = found.get(user.id) ?? { user: toUser(user), identifiers: [] };
    if (identifier !== null) record.identifiers.push(toIdentifier(identifier));
    found.set(user.id, record);
  }
  return [...found.values()];
}

const recordsWhere = async (db: Store, where: SQL | undefined): Promise<UserRecord[]> =>
  toRecords(await usersWhere(db, where));

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

function lastRecord(results: readonly unknown[]): UserRecord | undefined {
  const [named, found] = results.slice(-2) as [IdentifierRow[], UserRow[]];
  return toRecord(found, named);
}

const inRealm = (within: Within): SQL | undefined =>
  within === ANY_REALM ? undefined : eq(users.realm, within);

const ADMIN: AssertedBy = "admin";

/** Brings the names that one giver gave a user to exactly these, keeping what is known of those that stay. */
function replaceIdentifiers(
  db: Store,
  writing: Writing,
  { of, given }: NonNullable<UserChange["identifiers"]>,
): BatchItem<"sqlite">[] {
  const ofGiver =
    of === "operator" ? undefined : and(eq(identifiers.client, of), not(eq(identifiers.assertedBy, ADMIN)));
  const kept = or(
    ...given.map((identifier) =>
      and(isNamed(writing.realm, identifier), eq(identifiers.owner, ownerOf(identifier))),
    ),
  );
  const old = and(
    eq(identifiers.userId, writing.userId),
    ofGiver,
    kept === undefined ? undefined : not(kept),
  );
  return [db.delete(identifiers).where(and(old, writing.guard)), ...giveIdentifiers(db, writing, given)];
}

/** The operator's external id, or none: no giver is left beside it. */
const renamed = (externalId: string | null | undefined) =>
  externalId === undefined
    ? {}
    : {
        externalId,
        externalAssertedBy: externalId === null ? null : ADMIN,
        externalOwner: externalId === null ? null : OPERATOR,
        externalClient: null,
      };

const endedThen = (db: Store, id: UserId, since: number): SQL =>
  exists(
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, id), eq(users.endedAt, since))),
  );

/** The client that changes a user; undefined for the operator, who may change one that is locked. */
const changedBy = ({ identifiers: named, added }: UserChange): ClientId | undefined =>
  added?.client ?? (named === undefined || named.of === "operator" ? undefined : named.of);

type Reads = Omit<Users, "insert" | "insertWithDevice" | "update" | "end" | "remove">;

/** Users with a device of theirs, for calls that a device has signed. */
const makeKeyReads = (db: Store): Pick<Reads, "byAnyNameWithKey" | "byDeviceKey"> => ({
  async byAnyNameWithKey(view, text, fingerprint) {
    const rows = await userByTextWithKey(db, view, text, fingerprint);
    const device = rows[0]?.device;
    const [record] = toRecords(rows.filter((row) => row.device?.id === device?.id));
    return record && { record, ...(device ? { device: toDevice(device) } : {}) };
  },

  async byDeviceKey(realm, fingerprint) {
    const rows = await userByKey(db, { realm, fingerprint });
    const [record] = toRecords(rows);
    return record && rows[0] && { record, device: toDevice(rows[0].device) };
  },
});

function makeReads(db: Store): Reads {
  const one = async (rows: PromiseLike<readonly JoinedRow[]>) => toRecords(await rows)[0];
  const page = async (where: SQL | undefined, after: UserId | undefined, size: number) => {
    const ids = db
      .select({ id: users.id })
      .from(users)
      .where(and(where, after === undefined ? undefined : gt(users.id, after)))
      .orderBy(asc(users.id))
      .limit(size);
    return await recordsWhere(db, inArray(users.id, ids));
  };
  return {
    byId: (id, within) =>
      one(within === ANY_REALM ? userById(db, { id }) : userByIdWithin(db, { id, realm: within })),
    byExternalId: (view, externalId) => one(userByExternalId(db, view, externalId)),
    byIdentifier: (view, identifier, look) => one(userByIdentifier(db, view, identifier, look)),
    byAnyName: (view, text) => one(userByText(db, view, text)),
    ...makeKeyReads(db),
    withWays: (view, name) => userWithWays(db, view, name),

    async holdersOf(realm, identifier) {
      const rows = await db
        .select()
        .from(identifiers)
        .where(isNamed(realm, identifier))
        .orderBy(asc(identifiers.owner));
      return rows.map(toIdentifier);
    },

    async named(within, name) {
      // Realm by realm, because it comes first in both indexes.
      const realms = sql`(select ${within === ANY_REALM ? sql`realm from clients union select ${MAIN}` : within})`;
      if ("externalId" in name) {
        return await recordsWhere(
          db,
          sql`${users.realm} in ${realms} and ${eq(users.externalId, name.externalId)}`,
        );
      }
      const { kind, normal } = name.identifier;
      const ids = db
        .select({ id: identifiers.userId })
        .from(identifiers)
        .where(
          sql`${identifiers.realm} in ${realms} and ${eq(identifiers.kind, kind)} and ${eq(identifiers.normal, normal)}`,
        );
      return await recordsWhere(db, inArray(users.id, ids));
    },

    page: (within, after, size) => page(inRealm(within), after, size),
    pageFor: (view, after, size) =>
      page(and(eq(users.realm, view.realm), inArray(users.externalOwner, [...namersFor(view)])), after, size),
  };
}

/** Users and their identifiers over D1, each batch guarded by the unique constraints. */
export function makeUsers(db: Store): Users {
  return sheltered<Users>({
    ...makeReads(db),
    ...makeNewUsers(db),

    async update({ id, realm }, change, now, event) {
      const { identifiers: given, added, takesFrom, externalId, since, only, began = now, ...rest } = change;
      const clientId = changedBy(change);
      const standing = clientId === undefined ? undefined : { userId: id, clientId, since: began };
      const isThere = standing === undefined ? hasUser(db, id) : stands(db, standing);
      const ended = since === undefined ? isThere : sql`${isThere} and ${endedThen(db, id, since)}`;
      const guard = only === undefined ? ended : sql`${ended} and ${holds(db, id, only)}`;
      const writing = { realm, userId: id, now, guard };
      const ends = rest.status === "locked" ? { endedAt: now } : {};
      const written = await commit(db, [
        verdict(db, standing === undefined ? sql`null` : obstacle(db, standing)),
        db
          .update(users)
          .set({ ...rest, ...renamed(externalId), ...ends, updatedAt: now })
          .where(and(eq(users.id, id), guard))
          .returning({ written: users.id }),
        ...(given === undefined ? [] : replaceIdentifiers(db, writing, given)),
        ...(added === undefined ? [] : giveIdentifiers(db, { ...writing, takesFrom }, [added])),
        ...(event === undefined ? [] : [recordWhere(db, event, guard)]),
        ...readBack(db, id),
      ]);
      if (!written.ok) return no(clash(written.error));
      const allowed = heard(written.value[0]);
      if (!allowed.ok) return allowed;
      if (only !== undefined && written.value[1].length === 0) return no({ code: "unknown_user" });
      const changed = lastRecord(written.value);
      if (changed === undefined) return no({ code: "unknown_user" });
      return ok({ ...changed, ...displacedIn(written.value, id) });
    },

    async end(id, now) {
      const ended = db.update(users).set({ endedAt: now }).where(eq(users.id, id));
      return (await ended.returning({ id: users.id })).length === 1;
    },

    async remove(id, event, only) {
      const guard = only === undefined ? hasUser(db, id) : sql`${hasUser(db, id)} and ${holds(db, id, only)}`;
      // The audit row goes first, while its guard can still see the user; what is theirs goes last, behind the user.
      const isGone = not(hasUser(db, id));
      const gone = db
        .delete(users)
        .where(and(eq(users.id, id), guard))
        .returning({ id: users.id });
      const theirs = [
        db.delete(identifiers).where(and(eq(identifiers.userId, id), isGone)),
        db.delete(devices).where(and(eq(devices.userId, id), isGone)),
        db.delete(actions).where(and(eq(actions.userId, id), isGone)),
        db.delete(authenticators).where(and(eq(authenticators.userId, id), isGone)),
        db.delete(profiles).where(and(eq(profiles.userId, id), isGone)),
        db.delete(clientProfiles).where(and(eq(clientProfiles.userId, id), isGone)),
        db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, id), isGone)),
      ];
      const results = await (event === undefined
        ? db.batch([gone, ...theirs])
        : db.batch([recordWhere(db, event, guard), gone, ...theirs]));
      return (results[event === undefined ? 0 : 1] as Awaited<typeof gone>).length === 1;
    },
  });
}
