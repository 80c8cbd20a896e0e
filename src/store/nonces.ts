import { inArray, lte, sql } from "drizzle-orm";
import type { Nonces, NonceUse } from "../core/ports/clients.ts";
import { commit, type Store, sheltered } from "./database.ts";
import { kept, type Places, type Values } from "./kept.ts";
import { rowPlaces, rowValues } from "./rows.ts";
import { usedNonces } from "./schema.ts";

/**
 * Spends a nonce; put first into a batch. One that was spent before leaves a null where none may be, which undoes the whole
 * batch, unless it comes with the very request that it was spent for.
 */
export const spendNonce = (db: Store, { hash, use, ...nonce }: NonceUse) =>
  spend(db, rowValues(usedNonces, { ...nonce, nonceHash: hash, useHash: use ?? null }, ""));

const spend = kept((db, at: Places<Values>) =>
  db
    .insert(usedNonces)
    .values(rowPlaces(usedNonces, at, ""))
    .onConflictDoUpdate({
      target: [usedNonces.clientId, usedNonces.nonceHash],
      set: {
        expiresAt: sql`case when ${usedNonces.useHash} = excluded.use_hash then ${usedNonces.expiresAt} end`,
      },
    }),
);

/** The column by which a batch says that its nonce was spent before. */
export const SPENT = "used_nonces.expires_at";

/** Nonces of signed tokens over D1. */
export function makeNonces(db: Store): Nonces {
  return sheltered<Nonces>({
    spend: async (nonce) => (await commit(db, [spendNonce(db, nonce)])).ok,

    async purge(now, size) {
      const over = db
        .select({ key: sql`${usedNonces.clientId}, ${usedNonces.nonceHash}` })
        .from(usedNonces)
        .where(lte(usedNonces.expiresAt, now))
        .limit(size);
      const { meta } = await db
        .delete(usedNonces)
        .where(inArray(sql`(${usedNonces.clientId}, ${usedNonces.nonceHash})`, over));
      return meta.changes;
    },
  });
}
