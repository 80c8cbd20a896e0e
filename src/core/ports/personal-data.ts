import type { AuditEvent } from "../audit/event.ts";
import type { JsonObject } from "../challenge/state.ts";
import type { UserId } from "../ids.ts";
import type { Instant } from "../time.ts";

/** Lists of what is held about a user, beside the user and their names. */
export const PERSONAL_LISTS = [
  "profiles",
  "old_profiles",
  "devices",
  "authenticators",
  "grants",
  "codes",
  "recovery_codes",
  "actions",
  "events",
] as const;
export type PersonalList = (typeof PERSONAL_LISTS)[number];
/** Of how many parts a key of each list consists. */
export const KEY_PARTS: Readonly<Record<PersonalList, number>> = {
  profiles: 1,
  old_profiles: 1,
  devices: 1,
  authenticators: 1,
  grants: 1,
  codes: 1,
  recovery_codes: 1,
  actions: 3,
  events: 1,
};

/** One row as it is kept, by the names of its columns; `key` is what the next page goes on after. */
export type PersonalRow = { readonly key: readonly string[]; readonly row: JsonObject };

/**
 * What is held about users, and how it goes: read whole for whoever asks what is known of them, taken out of the audit trail when they
 * are to be forgotten, and dropped when it is old. Every method is one statement or one batch of at most `size` rows.
 */
export type PersonalData = {
  /** Rows of a list in the order of their keys. Nothing that opens or proves anything is among them. */
  rows(
    userId: UserId,
    list: PersonalList,
    after: readonly string[] | undefined,
    size: number,
  ): Promise<readonly PersonalRow[]>;
  /** Takes addresses, places and names out of audit rows of a user, and remembers that they are to be forgotten; answers how many rows. */
  erase(userId: UserId, size: number, event: AuditEvent): Promise<number>;
  /** The same for everybody who is to be forgotten: rows that came late. */
  eraseLate(size: number): Promise<number>;
  /** Ends remembering those who were erased before this instant: no row of theirs can be under way any more. */
  endErasures(before: Instant, size: number): Promise<number>;
  /** Deletes audit rows that are older, the oldest first; answers how many. */
  trim(before: Instant, size: number): Promise<number>;
};
