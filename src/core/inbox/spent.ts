import { own } from "../own.ts";
import type { Instant } from "../time.ts";
import { SPENT_LIMIT, SPENT_MEMORY } from "./policy.ts";
import type { InboxState } from "./state.ts";

/**
 * Remembers that a signing input was used, and for what. The same use may come again (a lost answer); any other use of the
 * same bytes is a replay. `digest` covers key and message, never the signature's own bytes (T26).
 */
export function spend(state: InboxState, digest: string, use: string, now: Instant): InboxState {
  return { ...state, spent: { ...state.spent, [digest]: { use, until: now + SPENT_MEMORY } } };
}

/** Whether these bytes were already used for something else. */
export function isSpentElsewhere(state: InboxState, digest: string, use: string, now: Instant): boolean {
  const mark = own(state.spent, digest);
  return mark !== undefined && now < mark.until && mark.use !== use;
}

/** Forgets a use whose work could not be finished, so that the person may try again. */
export function unspend(state: InboxState, digest: string): InboxState {
  const { [digest]: _, ...spent } = state.spent;
  return { ...state, spent };
}

/** Whether the memory is full; then further self-signed calls are refused until it ages. */
export const isFull = (state: InboxState, now: Instant): boolean =>
  Object.values(state.spent).filter((mark) => now < mark.until).length >= SPENT_LIMIT;
