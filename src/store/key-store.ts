import { and, asc, eq } from "drizzle-orm";
import type { KeyStore } from "../core/ports/keys.ts";
import { type Store, sheltered } from "./database.ts";
import { signingKeys } from "./schema.ts";

/** Signing keys over D1. Of two makers of one generation the primary key lets one win. */
export function makeKeyStore(db: Store): KeyStore {
  return sheltered<KeyStore>({
    async all() {
      return await db.select().from(signingKeys).orderBy(asc(signingKeys.lane), asc(signingKeys.generation));
    },

    async insert(key) {
      const written = await db
        .insert(signingKeys)
        .values(key)
        .onConflictDoNothing()
        .returning({ kid: signingKeys.kid });
      return written.length === 1;
    },

    async remove(lane, generation) {
      await db
        .delete(signingKeys)
        .where(and(eq(signingKeys.lane, lane), eq(signingKeys.generation, generation)));
    },
  });
}
