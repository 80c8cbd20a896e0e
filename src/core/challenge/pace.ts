import { type Instant, type Millis, SECOND } from "../time.ts";

/** How a waiter polls: the distance that it has to keep, and its last poll that kept it. */
export type Pace = {
  readonly interval: Millis;
  readonly last: Instant;
  /** A poll since then came too soon, and the distance has grown for it. */
  readonly raised?: true;
};

/** Clocks and networks jitter: a poll may come this much early. */
const TOLERANCE: Millis = SECOND;
/** By how much a poll that comes too soon makes the distance grow (RFC 8628 §3.5), and up to what. */
const STEP: Millis = 5 * SECOND;
const CEILING: Millis = 60 * SECOND;

/**
 * Judges a poll of a pending challenge (RFC 8628 §3.5, CIBA Core, section 11). The first is never too soon (T42). One that is, does not count:
 * the next is measured from the last that kept the pace, so that a steady client is never locked out (T41). The distance grows once
 * for each of those, and never shrinks (T40).
 */
export function keepPace(
  known: Pace | undefined,
  interval: Millis,
  now: Instant,
): { readonly next: Pace; readonly slower?: Millis } {
  if (known === undefined) return { next: { interval, last: now } };
  if (now - known.last >= known.interval - TOLERANCE) {
    return { next: { interval: known.interval, last: now } };
  }
  if (known.raised) return { next: known, slower: known.interval };
  const slower = Math.min(known.interval + STEP, Math.max(CEILING, known.interval));
  return { next: { ...known, interval: slower, raised: true }, slower };
}
