import type { Instant } from "../time.ts";
import type { Rule } from "./limits.ts";

/** When a rolling window that has seen these, the oldest first, lets one more through; undefined: now. */
export function freeAt(
  times: readonly Instant[],
  { window, limit }: Rule,
  now: Instant,
): Instant | undefined {
  const oldest = times.filter((at) => now < at + window).at(-limit);
  return oldest === undefined ? undefined : oldest + window;
}

/** The latest of these instants; undefined when there is none. */
export function latest(instants: readonly (Instant | undefined)[]): Instant | undefined {
  const known = instants.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
