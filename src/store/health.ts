import type { Health } from "../core/ports/edge.ts";
import { type Store, sheltered } from "./database.ts";
import { signingKeys } from "./schema.ts";

/** Reads one row of a migrated table: fails when D1 is away and when it was never migrated. */
export function makeHealth(db: Store): Health {
  return sheltered<Health>({
    async check() {
      await db.select({ kid: signingKeys.kid }).from(signingKeys).limit(1);
    },
  });
}
