import type { ClientId } from "../ids.ts";
import { type Instant, MINUTE, type Millis } from "../time.ts";
import { halfOf, STARTS_ABOUT } from "./limits.ts";
import type { Counter, InboxState } from "./state.ts";

/** One count that has to be passed, in a window that begins with its first count. */
export type Count = { readonly kind: string; readonly limit: number; readonly window: Millis };

/** `full` is the count that refuses, and `retryAt` when it ends; otherwise each count's rest, in the order they were asked. */
export type Counted =
  | { readonly allowed: true; readonly left: readonly number[] }
  | { readonly allowed: false; readonly full: string; readonly retryAt: Instant };

/** Counts beside each other in one inbox, such as those of networks; past this the smallest are forgotten. */
const MOST_COUNTERS = 500;

/** The counters whose windows have not ended. */
export const liveCounters = (counters: InboxState["counters"], now: Instant): InboxState["counters"] =>
  Object.fromEntries(Object.entries(counters).filter(([, { until }]) => now < until));

/** Counts one against every limit, or against none when one of them is reached: then the one that ends last refuses. */
export function countTogether(
  state: InboxState,
  counts: readonly Count[],
  now: Instant,
): { readonly next: InboxState; readonly value: Counted } {
  const known = liveCounters(state.counters, now);
  const full = counts
    .filter(({ kind, limit }) => (known[kind]?.count ?? 0) >= limit)
    .map(({ kind }) => ({ kind, until: known[kind]?.until ?? now }))
    .toSorted((a, b) => b.until - a.until)[0];
  if (full) return { next: state, value: { allowed: false, full: full.kind, retryAt: full.until } };
  const added = counts.map(({ kind, window }): [string, Counter] => {
    const { count, until } = known[kind] ?? { count: 0, until: now + window };
    return [kind, { count: count + 1, until }];
  });
  const left = counts.map(({ limit }, index) => limit - (added[index]?.[1].count ?? 0));
  const counters = { ...Object.fromEntries(largest(Object.entries(known))), ...Object.fromEntries(added) };
  return { next: { ...state, counters }, value: { allowed: true, left } };
}

const largest = (counters: readonly [string, Counter][]): readonly [string, Counter][] =>
  counters.length < MOST_COUNTERS
    ? counters
    : counters.toSorted(([, a], [, b]) => b.count - a.count).slice(0, MOST_COUNTERS - 1);

/** Takes one from each of these counts: nothing came of what was counted. */
export function uncount(state: InboxState, kinds: readonly string[]): InboxState {
  const known = kinds.filter((kind) => state.counters[kind]);
  if (known.length === 0) return state;
  const counters = Object.entries(state.counters).flatMap(([kind, counter]): [string, Counter][] => {
    if (!known.includes(kind)) return [[kind, counter]];
    return counter.count > 1 ? [[kind, { ...counter, count: counter.count - 1 }]] : [];
  });
  return { ...state, counters: Object.fromEntries(counters) };
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

/** A start about the user of this inbox: at which client, and from where when one network may have half only. */
export type StartHere = { readonly clientId: ClientId; readonly network?: string };

/**
 * Counts a start about this user at a client, whichever of their names it gave. Beside the other counters, so that strangers push none of
 * those out. `fullUntil` when there is no room: then nothing is counted.
 */
export function countStartHere(
  state: InboxState,
  { clientId, network }: StartHere,
  now: Instant,
): { readonly next: InboxState; readonly fullUntil?: Instant } {
  const count = (of: readonly string[], limit: number): Count => ({
    kind: JSON.stringify(of),
    limit,
    window: MINUTE,
  });
  const counts = [
    count([clientId], STARTS_ABOUT),
    ...(network === undefined ? [] : [count([clientId, network], halfOf(STARTS_ABOUT))]),
  ];
  const { next, value } = countTogether({ ...state, counters: state.starts ?? {} }, counts, now);
  if (!value.allowed) return { next: state, fullUntil: value.retryAt };
  return { next: { ...state, starts: next.counters } };
}

/** Whom a start is about, and from where it comes when one network may have half only. */
export type StartAbout = { readonly key: string; readonly network?: string };

export type StartTally = {
  /** When there is room for one more about this user or address; undefined: now. */
  fullUntil(about: StartAbout, now: Instant): Instant | undefined;
  add(about: StartAbout, now: Instant): void;
  /** Gives one back that was added in this minute. */
  remove(about: StartAbout, now: Instant): void;
};

/** Counts starts about each user or address, by the minute. In memory alone: an object that forgets them is not being asked. */
export function makeTally(): StartTally {
  let windowEnds: Instant = 0;
  const counts = new Map<string, number>();
  const limits = ({ key, network }: StartAbout): readonly (readonly [string, number])[] => [
    [key, STARTS_ABOUT],
    ...(network === undefined ? [] : [[JSON.stringify([key, network]), halfOf(STARTS_ABOUT)] as const]),
  ];
  return {
    fullUntil(about, now) {
      const isFull = limits(about).some(([name, limit]) => (counts.get(name) ?? 0) >= limit);
      return now < windowEnds && isFull ? windowEnds : undefined;
    },
    add(about, now) {
      if (now >= windowEnds) {
        windowEnds = now + MINUTE;
        counts.clear();
      }
      for (const [name] of limits(about)) counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    remove(about, now) {
      if (now >= windowEnds) return;
      for (const [name] of limits(about)) {
        const left = (counts.get(name) ?? 0) - 1;
        // Names that nobody has are given back: they must not stay.
        if (left > 0) counts.set(name, left);
        else counts.delete(name);
      }
    },
  };
}
