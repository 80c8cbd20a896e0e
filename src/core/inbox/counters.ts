import { type Instant, MINUTE, type Millis } from "../time.ts";
import { GUESS_LIMIT, IDLE_COUNTER } from "./policy.ts";
import type { InboxState } from "./state.ts";

/**
 * Reserves one guess before anything is compared, so that a hundred parallel guesses make at most `limit` comparisons (T63).
 * False: the limit is reached and nothing may be compared. The count survives new codes and ends only by `refundGuess` or age.
 */
export function reserveGuess(
  state: InboxState,
  kind: string,
  now: Instant,
  limit: number = GUESS_LIMIT,
): { next: InboxState; allowed: boolean } {
  const counter = state.counters[kind];
  const count = counter && now < counter.until ? counter.count : 0;
  if (count >= limit) return { next: state, allowed: false };
  const counters = { ...state.counters, [kind]: { count: count + 1, until: now + IDLE_COUNTER } };
  return { next: { ...state, counters }, allowed: true };
}

/** Forgets the guesses of this kind: one of them was right. */
export function refundGuess(state: InboxState, kind: string): InboxState {
  const { [kind]: _, ...counters } = state.counters;
  return { ...state, counters };
}

/**
 * Counts one against `limit` in a window that begins with its first count. Refused past the limit, with the instant at which the
 * window ends.
 */
export function countInWindow(
  state: InboxState,
  kind: string,
  rule: { readonly limit: number; readonly window: Millis },
  now: Instant,
): { next: InboxState; allowed: boolean; retryAt: Instant } {
  const known = state.counters[kind];
  const { count, until } = known && now < known.until ? known : { count: 0, until: now + rule.window };
  if (count >= rule.limit) return { next: state, allowed: false, retryAt: until };
  const counters = { ...state.counters, [kind]: { count: count + 1, until } };
  return { next: { ...state, counters }, allowed: true, retryAt: until };
}

/** Starts are leased in this many blocks a window, so that counting costs a write per block and not per start. */
const BLOCKS = 20;

/**
 * Counts one start of a client against `limit` per minute. `used` is what this object remembers since it woke; the stored lease
 * is what it may have handed out, so losing memory can only count too much. Returns the state to store when it changed.
 */
export function countStart(
  state: InboxState,
  used: number,
  limit: number,
  now: Instant,
): { next: InboxState; used: number; allowed: boolean; retryAt: Instant } {
  const block = Math.max(1, Math.ceil(limit / BLOCKS));
  const fresh = state.lease === undefined || now >= state.lease.windowEnds;
  const windowEnds = fresh ? now + MINUTE : (state.lease?.windowEnds ?? now);
  const taken = fresh ? 0 : (state.lease?.taken ?? 0);
  const spent = fresh ? 0 : used;
  if (spent >= limit) return { next: state, used: spent, allowed: false, retryAt: windowEnds };
  if (spent < taken) return { next: state, used: spent + 1, allowed: true, retryAt: windowEnds };
  const lease = { windowEnds, taken: Math.min(limit, taken + block) };
  return { next: { ...state, lease }, used: spent + 1, allowed: true, retryAt: windowEnds };
}

/** What is used once a start of the window that ends then was given back; nothing of another window is. */
export const returnStart = (state: InboxState, used: number, windowEnds: Instant): number =>
  state.lease?.windowEnds === windowEnds ? Math.max(0, used - 1) : used;
