import { and, eq, gt, inArray, lte } from "drizzle-orm";
import type { UserCodes } from "../core/ports/records.ts";
import { type Store, sheltered } from "./database.ts";
import { present } from "./rows.ts";
import { userCodes } from "./schema.ts";

/** The directory of codes that people carry, over D1: one live row per keyed hash, by primary key. */
export function makeUserCodes(db: Store): UserCodes {
  return sheltered<UserCodes>({
    async insert(row, now) {
      const { hash, ...rest } = row;
      const written = await db
        .insert(userCodes)
        .values(row)
        .onConflictDoUpdate({
          target: userCodes.hash,
          set: { ...rest, userId: rest.userId ?? null },
          setWhere: lte(userCodes.expiresAt, now),
        })
        .returning({ hash: userCodes.hash });
      return written.length === 1;
    },

    async find(hash, now) {
      const rows = await db
        .select()
        .from(userCodes)
        .where(and(eq(userCodes.hash, hash), gt(userCodes.expiresAt, now)));
      return rows.map(present)[0];
    },

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
