import { and, count, eq, exists, isNull, sql } from "drizzle-orm";
import type { RecoveryCodes } from "../core/ports/recovery-codes.ts";
import { ok } from "../core/result.ts";
import { recordWhere } from "./audit.ts";
import { type Store, sheltered } from "./database.ts";
import { heard, stands, verdictOn } from "./guards.ts";
import { rowWhere } from "./rows.ts";
import { recoveryCodes } from "./schema.ts";

/** Recovery codes over D1. The hash has its user in it, and is looked for among that user's rows alone. */
export function makeRecoveryCodes(db: Store): RecoveryCodes {
  return sheltered<RecoveryCodes>({
    async replace(hashes, standing, event) {
      const { userId } = standing;
      const guard = stands(db, standing);
      const [said] = await db.batch([
        verdictOn(db, standing),
        recordWhere(db, event, guard),
        db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, userId), guard)),
        ...hashes.map((hash, index) =>
          db
            .insert(recoveryCodes)
            .select(rowWhere(recoveryCodes, { userId, number: index + 1, hash, madeAt: event.at }, guard)),
        ),
      ]);
      return heard(said);
    },

    async use(hash, standing, event) {
      const good = and(
        eq(recoveryCodes.userId, standing.userId),
        eq(recoveryCodes.hash, hash),
        isNull(recoveryCodes.usedAt),
      );
      const guard = stands(db, standing);
      const isGood = exists(db.select({ number: recoveryCodes.number }).from(recoveryCodes).where(good));
      // The audit row goes first, while its guard can still see a good code.
      const [said, , used] = await db.batch([
        verdictOn(db, standing),
        recordWhere(db, event, sql`${isGood} and ${guard}`),
        db
          .update(recoveryCodes)
          .set({ usedAt: event.at })
          .where(and(good, guard))
          .returning({ number: recoveryCodes.number }),
      ]);
      const allowed = heard(said);
      return allowed.ok ? ok(used.length > 0) : allowed;
    },

    async left(userId) {
      const good = and(eq(recoveryCodes.userId, userId), isNull(recoveryCodes.usedAt));
      const [row] = await db.select({ good: count() }).from(recoveryCodes).where(good);
      return row?.good ?? 0;
    },
  });
}
