import { and, asc, eq, gt, inArray, isNotNull, lte, type SQL, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { UserId } from "../core/ids.ts";
import type { NonceUse } from "../core/ports/clients.ts";
import type { UserCodeRow, UserCodes } from "../core/ports/records.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import type { Instant } from "../core/time.ts";
import { recordWhere } from "./audit.ts";
import { commit, type Store, sheltered } from "./database.ts";
import { liveDevicesOf, toDevice } from "./devices.ts";
import { heard, stands, verdictOn } from "./guards.ts";
import { kept, type Places } from "./kept.ts";
import { SPENT, spendNonce } from "./nonces.ts";
import { present, rowWhere } from "./rows.ts";
import { type devices, userCodes, users } from "./schema.ts";
import { toUser } from "./user-rows.ts";

type UserCodeRecord = typeof userCodes.$inferSelect;

/** Adds a code, in the place of one of its hash that is over; a live one stays. */
const put = (db: Store, row: UserCodeRow, now: Instant, guard: SQL) => {
  const { hash: _, ...rest } = row;
  return db
    .insert(userCodes)
    .select(rowWhere(userCodes, row, guard))
    .onConflictDoUpdate({
      target: userCodes.hash,
      set: { ...rest, userId: rest.userId ?? null },
      setWhere: lte(userCodes.expiresAt, now),
    })
    .returning({ hash: userCodes.hash });
};

const withHash = kept((db, at: Places<{ hash: string }>) =>
  db
    .select()
    .from(userCodes)
    .where(eq(userCodes.hash, at("hash"))),
);

const userWithId = kept((db, at: Places<{ userId: UserId }>) =>
  db
    .select()
    .from(users)
    .where(eq(users.id, at("userId"))),
);

const liveWithHash = kept((db, at: Places<{ hash: string; now: Instant }>) =>
  db
    .select()
    .from(userCodes)
    .where(and(eq(userCodes.hash, at("hash")), gt(userCodes.expiresAt, at("now")))),
);

type Whose = { readonly userId: UserId; readonly kind?: string; readonly purpose?: string };

const liveOf = (db: Store, { userId, kind, purpose }: Whose, now: Instant) =>
  db
    .select()
    .from(userCodes)
    .where(
      and(
        // Said once more for the partial index, which is only for rows that name a user.
        isNotNull(userCodes.userId),
        eq(userCodes.userId, userId),
        kind === undefined ? undefined : eq(userCodes.kind, kind),
        purpose === undefined ? undefined : eq(userCodes.purpose, purpose),
        gt(userCodes.expiresAt, now),
      ),
    )
    .orderBy(asc(userCodes.expiresAt));

/** One batch, the nonce first when there is one; what the statements behind it answered. */
async function afterSpending(
  db: Store,
  nonce: NonceUse | undefined,
  statements: [BatchItem<"sqlite">, ...BatchItem<"sqlite">[]],
): Promise<Result<readonly unknown[], RefusalOf<"replayed">>> {
  if (nonce === undefined) return ok(await db.batch(statements));
  const done = await commit(db, [spendNonce(db, nonce), ...statements]);
  if (done.ok) return ok((done.value as readonly unknown[]).slice(1));
  if (done.error !== SPENT) throw new Error(`a code conflicts on ${done.error}`);
  return no({ code: "replayed" });
}

/** The code and whoever carries it, as one batch sees them. */
async function lookUpOf(
  db: Store,
  { userId, hash }: { readonly userId: UserId; readonly hash: string },
  nonce: NonceUse | undefined,
): ReturnType<UserCodes["lookUpOf"]> {
  const done = await afterSpending(db, nonce, [
    withHash(db, { hash }),
    userWithId(db, { userId }),
    liveDevicesOf(db, userId),
  ]);
  if (!done.ok) return done;
  const [codes, [user], owned] = done.value as [
    UserCodeRecord[],
    (typeof users.$inferSelect)[],
    (typeof devices.$inferSelect)[],
  ];
  const row = codes.map(present)[0];
  const holder = user && { user: toUser(user), devices: owned.map(toDevice) };
  return ok({ ...(row ? { row } : {}), ...(holder ? { holder } : {}) });
}

/** The directory of codes that users carry, over D1: one live row per keyed hash, by primary key. */
export function makeUserCodes(db: Store): UserCodes {
  return sheltered<UserCodes>({
    async insert(row, now) {
      const { userId, clientId } = row;
      if (userId === undefined) return ok((await put(db, row, now, sql`true`)).length === 1);
      const standing = { userId, clientId, since: now };
      const [said, written] = await db.batch([
        verdictOn(db, standing),
        put(db, row, now, stands(db, standing)),
      ]);
      const allowed = heard(said);
      return allowed.ok ? ok(written.length === 1) : allowed;
    },

    async issue(row, now, { nonce, event, signedBy }) {
      const standing = { userId: row.userId, clientId: row.clientId, deviceId: signedBy, since: now };
      const guard = stands(db, standing);
      const audit = event === undefined ? [] : [recordWhere(db, event, guard)];
      const done = await afterSpending(db, nonce, [
        verdictOn(db, standing),
        put(db, row, now, guard),
        liveOf(db, row, now),
        ...audit,
      ]);
      if (!done.ok) return done;
      const [said, written, live] = done.value as [
        Parameters<typeof heard>[0],
        { hash: string }[],
        UserCodeRecord[],
      ];
      const allowed = heard(said);
      return allowed.ok ? ok({ stands: written.length === 1, live: live.map(present) }) : allowed;
    },

    async lookUp(hash, nonce) {
      const done = await afterSpending(db, nonce, [withHash(db, { hash })]);
      return done.ok ? ok((done.value[0] as UserCodeRecord[]).map(present)[0]) : done;
    },

    lookUpOf: (userId, hash, nonce) => lookUpOf(db, { userId, hash }, nonce),

    async ofUser(asked, now, nonce) {
      const done = await afterSpending(db, nonce, [liveOf(db, asked, now)]);
      return done.ok ? ok((done.value[0] as UserCodeRecord[]).map(present)) : done;
    },

    find: async (hash, now) => (await liveWithHash(db, { hash, now })).map(present)[0],

    async remove(hash) {
      const gone = await db
        .delete(userCodes)
        .where(eq(userCodes.hash, hash))
        .returning({ hash: userCodes.hash });
      return gone.length === 1;
    },

    async purge(now, size) {
      const expired = db
        .select({ hash: userCodes.hash })
        .from(userCodes)
        .where(lte(userCodes.expiresAt, now))
        .limit(size);
      const { meta } = await db.delete(userCodes).where(inArray(userCodes.hash, expired));
      return meta.changes;
    },
  });
}
