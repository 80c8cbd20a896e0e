import { DrizzleQueryError } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { Outage } from "../core/fault.ts";
import { no, ok, type Result } from "../core/result.ts";

export type Store = DrizzleD1Database;
type Statement = BatchItem<"sqlite">;

/**
 * Opens D1 for the adapters of this room. The plain binding reads from the primary: never give this a `withSession()` that may
 * answer from a replica, for these reads decide who may sign in (T102).
 */
export const openStore = (d1: D1Database): Store => drizzle(d1);

const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** What D1 throws becomes an Outage; a mistake of ours stays what it is. The query and its parameters are left behind. */
function asFault(error: unknown): unknown {
  if (error instanceof Outage || BUGS.some((kind) => error instanceof kind)) return error;
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  return new Outage("the database cannot be used now", { cause, retryAfter: 2 });
}

/** Wraps every method of a port, so that whatever D1 throws leaves as an Outage and its text reaches nobody. */
export function sheltered<Port extends object>(port: Port): Port {
  const methods = Object.entries(port) as [string, (...given: unknown[]) => Promise<unknown>][];
  const wrapped = methods.map(([name, method]) => [
    name,
    async (...given: unknown[]) => {
      try {
        return await method(...given);
      } catch (error) {
        throw asFault(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as Port;
}

/**
 * `UNIQUE constraint failed: users.external_id` names what stood in the way; an identifier that another user keeps, and a nonce that was
 * spent, end in a null.
 */
const CONFLICT =
  /UNIQUE constraint failed: ([a-z_]+\.[a-z_]+)|NOT NULL constraint failed: (identifiers\.user_id|used_nonces\.expires_at)/;

/**
 * Runs the statements as one transaction: all of them or none. Refuses with the first column (`table.column`) of the constraint
 * that undid it. A statement that hits no row does not stop the ones behind it: each must carry its own guard.
 */
export async function commit<const Statements extends readonly [Statement, ...Statement[]]>(
  db: Store,
  statements: Statements,
): Promise<Result<BatchResponse<Statements>, string>> {
  try {
    return ok(await db.batch(statements));
  } catch (error) {
    const conflict = error instanceof Error ? CONFLICT.exec(error.message) : null;
    const column = conflict?.[1] ?? conflict?.[2];
    if (column === undefined) throw error;
    return no(column);
  }
}
