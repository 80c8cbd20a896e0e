import { and, asc, eq, exists, inArray, isNotNull, isNull, ne, not, type SQL, sql } from "drizzle-orm";
import type { AuditEvent } from "../core/audit/event.ts";
import type { ClientId, DeviceId } from "../core/ids.ts";
import type { Authenticators } from "../core/ports/authenticators.ts";
import type { NotActive } from "../core/ports/standing.ts";
import { no, ok, type Result } from "../core/result.ts";
import type { Authenticator, Profile, ProfileChange } from "../core/user/authenticator.ts";
import { recordWhere } from "./audit.ts";
import { type Store, sheltered } from "./database.ts";
import { hasNothing } from "./enrolments.ts";
import { disabled, hasDevice, hasUser, heard, stands, verdictOn } from "./guards.ts";
import { kept, type Places } from "./kept.ts";
import { present, rowWhere } from "./rows.ts";
import { authenticators, clientProfiles } from "./schema.ts";

const isRow = ({ userId, id }: Pick<Authenticator, "userId" | "id">) =>
  and(eq(authenticators.userId, userId), eq(authenticators.id, id));

/**
 * What was not removed. A version that knows no mark may bring a row back without taking the mark away: what is proven stands, whatever
 * the mark says.
 */
const STANDS = sql`(${authenticators.removedAt} is null or ${authenticators.verifiedAt} is not null)`;

/** What a proven address adds: the row and its audit row together. */
const makeEnrolling = (db: Store): Pick<Authenticators, "enrol" | "enrolFirst"> => ({
  async enrol(row, event, clientId) {
    const written = await enrolWhere(db, row, event, clientId, sql`true`);
    return written.ok ? ok(written.value ? "enrolled" : "standing") : written;
  },

  async enrolFirst(row, event, clientId) {
    const written = await enrolWhere(db, row, event, clientId, hasNothing(db, row.userId, row.id));
    if (!written.ok) return written;
    if (written.value) return ok("enrolled");
    const [standing] = await db
      .select({ verifiedAt: authenticators.verifiedAt })
      .from(authenticators)
      .where(isRow(row));
    return standing && standing.verifiedAt !== null ? ok("standing") : no({ code: "enrolment_closed" });
  },
});

async function enrolWhere(
  db: Store,
  row: Authenticator,
  event: AuditEvent,
  clientId: ClientId,
  also: SQL,
): Promise<Result<boolean, NotActive>> {
  const standing = { userId: row.userId, clientId, since: event.at };
  const guard = sql`${also} and ${stands(db, standing)}`;
  const isProven = exists(
    db
      .select({ id: authenticators.id })
      .from(authenticators)
      .where(and(isRow(row), isNotNull(authenticators.verifiedAt))),
  );
  const write = db
    .insert(authenticators)
    .select(rowWhere(authenticators, row, guard))
    .onConflictDoUpdate({
      target: [authenticators.userId, authenticators.id],
      set: {
        verifiedAt: row.verifiedAt,
        identifier: row.identifier,
        clientId: row.clientId ?? null,
        createdAt: sql`case when ${authenticators.removedAt} is null then ${authenticators.createdAt} else ${row.createdAt} end`,
        removedAt: null,
      },
      setWhere: isNull(authenticators.verifiedAt),
    })
    .returning({ id: authenticators.id });
  // The audit row goes first, while its guard can still see what stood before.
  const [said, , written] = await db.batch([
    verdictOn(db, standing),
    recordWhere(db, event, sql`${not(isProven)} and ${guard}`),
    write,
  ]);
  const allowed = heard(said);
  return allowed.ok ? ok(written.length === 1) : allowed;
}

/** What is taken away again. */
const makeRemoving = (db: Store): Pick<Authenticators, "remove" | "forget"> => ({
  async remove(userId, id, now, by) {
    const isOwn = by === undefined ? undefined : eq(authenticators.clientId, by);
    const isDevices = eq(authenticators.kind, "device");
    const [marked, gone] = await db.batch([
      db
        .update(authenticators)
        .set({ removedAt: now, identifier: null, verifiedAt: null, lastVerifiedAt: null })
        .where(and(isRow({ userId, id }), ne(authenticators.kind, "device"), STANDS, isOwn))
        .returning({ id: authenticators.id }),
      db
        .delete(authenticators)
        .where(and(isRow({ userId, id }), isDevices, isOwn))
        .returning({ id: authenticators.id }),
    ]);
    return marked.length + gone.length === 1;
  },

  async forget(userId, id) {
    await db.delete(authenticators).where(isRow({ userId, id }));
  },
});

/** What each client's backend says of a user. */
const makeProfiles = (db: Store): Pick<Authenticators, "profile" | "changeProfile" | "removeProfile"> => ({
  async profile(userId, { client, from }) {
    const heard = [client, ...from];
    const rows = await db
      .select({ by: clientProfiles.clientId, profile: clientProfiles.profile })
      .from(clientProfiles)
      .where(and(eq(clientProfiles.userId, userId), inArray(clientProfiles.clientId, heard)));
    return heard.flatMap((id) => rows.filter(({ by }) => by === id))[0]?.profile ?? {};
  },

  async changeProfile(userId, clientId, change, now) {
    const given = Object.entries(change).filter(([, value]) => value !== null);
    const row = { userId, clientId, profile: Object.fromEntries(given) as Profile, updatedAt: now };
    const set = { profile: changed(change), updatedAt: now };
    const guard = sql`${hasUser(db, userId)} and not ${disabled(db, clientId)}`;
    await db
      .insert(clientProfiles)
      .select(rowWhere(clientProfiles, row, guard))
      .onConflictDoUpdate({ target: [clientProfiles.userId, clientProfiles.clientId], set });
  },

  async removeProfile(userId, clientId) {
    await db
      .delete(clientProfiles)
      .where(and(eq(clientProfiles.userId, userId), eq(clientProfiles.clientId, clientId)));
  },
});

const allOf = kept((db, at: Places<Pick<Authenticator, "userId">>) =>
  db
    .select()
    .from(authenticators)
    .where(eq(authenticators.userId, at("userId")))
    .orderBy(asc(authenticators.createdAt), asc(authenticators.id)),
);

const standing = kept((db, at: Places<Pick<Authenticator, "userId" | "id">>) =>
  db
    .select()
    .from(authenticators)
    .where(and(isRow({ userId: at("userId"), id: at("id") }), STANDS)),
);

/** Authenticators and profiles over D1. */
export function makeAuthenticators(db: Store): Authenticators {
  return sheltered<Authenticators>({
    ...makeEnrolling(db),
    ...makeRemoving(db),
    ...makeProfiles(db),

    ofUser: async (userId) => (await allOf(db, { userId })).map(present),
    find: async (userId, id) => (await standing(db, { userId, id })).map(present)[0],

    async put(row) {
      const kept = (name: "push_token" | "verified_at" | "last_verified_at" | "identifier") =>
        sql`coalesce(${sql.raw(`excluded.${name}`)}, ${sql.raw(`authenticators.${name}`)})`;
      // What is known of a device's use goes with the device.
      const guard = row.kind === "device" ? hasDevice(db, row.userId, row.id as DeviceId) : sql`true`;
      await db
        .insert(authenticators)
        .select(rowWhere(authenticators, row, guard))
        .onConflictDoUpdate({
          target: [authenticators.userId, authenticators.id],
          set: {
            identifier: kept("identifier"),
            pushToken: kept("push_token"),
            verifiedAt: kept("verified_at"),
            lastVerifiedAt: kept("last_verified_at"),
          },
        });
    },

    async touch(userId, id, now) {
      await db
        .update(authenticators)
        .set({ lastVerifiedAt: now })
        .where(and(isRow({ userId, id }), STANDS));
    },
  });
}

/** The profile of a row with this change. The members' names are the type's own, so that they may be in a path. */
function changed(change: ProfileChange): SQL {
  let profile = sql`${clientProfiles.profile}`;
  for (const [name, value] of Object.entries(change)) {
    const path = `$.${name}`;
    profile =
      value === null
        ? sql`json_remove(${profile}, ${path})`
        : sql`json_set(${profile}, ${path}, json(${JSON.stringify(value)}))`;
  }
  return profile;
}
