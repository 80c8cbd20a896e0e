import { type Instant, MINUTE, type Millis } from "../time.ts";
import { GUESS_LIMIT } from "./policy.ts";
import type { InboxState } from "./state.ts";

/** Wrong guesses at codes that people carry are counted together for this long, from the first one on. */
export const GUESS_WINDOW: Millis = 15 * MINUTE;

/** A guess that may be compared, `left` more may follow; or that none may before `until`. */
export type TakenGuess =
  | { readonly allowed: true; readonly left: number }
  | { readonly allowed: false; readonly until: Instant };

/**
 * Takes one guess before anything is looked up, so that a hundred guesses at once make at most five comparisons (T63). The count
 * outlives the codes and every new one (T60); only a right guess or the window's end clears it.
 */
export function takeGuess(
  state: InboxState,
  kind: string,
  now: Instant,
): { readonly next: InboxState; readonly taken: TakenGuess } {
  const known = state.counters[kind];
  const { count, until } = known && now < known.until ? known : { count: 0, until: now + GUESS_WINDOW };
  if (count >= GUESS_LIMIT) return { next: state, taken: { allowed: false, until } };
  const counters = { ...state.counters, [kind]: { count: count + 1, until } };
  return { next: { ...state, counters }, taken: { allowed: true, left: GUESS_LIMIT - count - 1 } };
}

/**
 * Gives a guess back: `right` clears the count; `void` takes back this one alone, because nothing was compared or the code was the
 * right one but over, which must not clear what others guessed.
 */
export function returnGuess(state: InboxState, kind: string, as: "right" | "void"): InboxState {
  const { [kind]: known, ...others } = state.counters;
  if (!known) return state;
  if (as === "right" || known.count <= 1) return { ...state, counters: others };
  return { ...state, counters: { ...others, [kind]: { ...known, count: known.count - 1 } } };
}
