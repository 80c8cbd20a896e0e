import { own } from "../own.ts";
import type { Instant } from "../time.ts";
import { REPEATABLE, SPENT_LIMIT, SPENT_MEMORY } from "./limits.ts";
import type { InboxState } from "./state.ts";

/**
 * Remembers that a signing input was used, and for what. The same use may come again (a lost answer); any other use of the
 * same bytes is a replay. `digest` covers key and message, never the signature's own bytes (T26). `second` is the one that the device
 * has signed by its own clock.
 */
export function spend(
  state: InboxState,
  digest: string,
  use: string,
  now: Instant,
  second?: number,
): InboxState {
  const mark = { use, until: now + SPENT_MEMORY, ...(second === undefined ? {} : { second }) };
  return { ...state, spent: { ...state.spent, [digest]: mark } };
}

/** Whether these bytes were already used for something else. */
export function isSpentElsewhere(state: InboxState, digest: string, use: string, now: Instant): boolean {
  const mark = own(state.spent, digest);
  return mark !== undefined && now < mark.until && mark.use !== use;
}

/**
 * Whether these bytes were used for this before: `again` while it may be repeated. What a device signed by its own clock may for
 * `REPEATABLE`, anything else for as long as it is remembered.
 */
export function usedFor(
  state: InboxState,
  digest: string,
  use: string,
  now: Instant,
): "never" | "again" | "too_late" {
  const mark = own(state.spent, digest);
  if (mark === undefined || now >= mark.until) return "never";
  const end = mark.second === undefined ? mark.until : mark.until - SPENT_MEMORY + REPEATABLE;
  return mark.use === use && now < end ? "again" : "too_late";
}

/** Forgets a use whose work could not be finished, so that the user may try again. */
export function unspend(state: InboxState, digest: string): InboxState {
  const { [digest]: _, ...spent } = state.spent;
  return { ...state, spent };
}

/** Whether the memory is full; then further self-signed calls are refused until it ages. */
export const isFull = (state: InboxState, now: Instant): boolean =>
  Object.values(state.spent).filter((mark) => now < mark.until).length >= SPENT_LIMIT;

/** The first second from `from` on that no spent input has: a prompt with it has a signing input of its own. */
export function unsignedSecond({ spent }: InboxState, from: number): number {
  const signed = new Set(Object.values(spent).map(({ second }) => second));
  let second = from;
  while (signed.has(second)) second++;
  return second;
}
