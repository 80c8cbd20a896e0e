import type { AuditEvent } from "../audit/event.ts";
import type { UserId } from "../ids.ts";
import type { Result } from "../result.ts";
import type { MustBeActive, NotActive } from "./standing.ts";

/** The recovery codes of users, as keyed hashes: one set for each, and each code good once. */
export type RecoveryCodes = {
  /**
   * One batch: these in place of all that the user had, used or not, with the audit row. Nothing changes when somebody has fallen. Of two
   * calls at once one set stands, whole.
   */
  replace(
    hashes: readonly string[],
    standing: MustBeActive,
    event: AuditEvent,
  ): Promise<Result<undefined, NotActive>>;
  /**
   * One conditional statement and its audit row: of any number of calls with one code of this user one is told true. False for a code that is
   * used, replaced or another's.
   */
  use(hash: string, standing: MustBeActive, event: AuditEvent): Promise<Result<boolean, NotActive>>;
  /** How many are good. */
  left(userId: UserId): Promise<number>;
};
