import type { ClientId } from "../ids.ts";
import { DAY, type Instant } from "../time.ts";
import { GUESSES, GUESSES_OF_DAY, STRANGERS_GUESSES } from "./limits.ts";
import type { CountedGuess, Guesser, InboxState } from "./state.ts";
import { freeAt, latest } from "./windows.ts";

/** A guess that may be compared: `fresh` when it was counted by this, `others` when wrong ones are counted beside it. */
export type TakenGuess =
  | { readonly allowed: true; readonly fresh: boolean; readonly others: boolean }
  | { readonly allowed: false; readonly until: Instant };

const STRANGERS = "stranger:";

function laneOf(guesser: Guesser): string {
  switch (guesser.kind) {
    case "stranger":
      return `${STRANGERS}${guesser.network ?? ""}`;
    case "waiter":
    case "backend":
      return `${guesser.kind}:${guesser.clientId}`;
    case "user":
      return guesser.kind;
  }
}

const remembered = ({ guesses }: InboxState, now: Instant): readonly CountedGuess[] =>
  (guesses ?? []).filter(({ at }) => now < at + DAY);

const times = (guesses: readonly CountedGuess[]): readonly Instant[] => guesses.map(({ at }) => at);

/**
 * Takes one guess before anything is looked up, so that a hundred different guesses at once make at most five comparisons (T63). The
 * same guess again, at once or within the short window, is the same one. Counted for the guesser's own lane, and for strangers over
 * all networks too; the count outlives the codes and every new one (T60).
 */
export function takeGuess(
  state: InboxState,
  { guesser, mark }: { readonly guesser: Guesser; readonly mark: string },
  now: Instant,
): { readonly next: InboxState; readonly taken: TakenGuess } {
  const lane = laneOf(guesser);
  const known = remembered(state, now);
  const own = known.filter((one) => one.lane === lane);
  const recent = own.filter(({ at, forgiven }) => !forgiven && now < at + GUESSES.window);
  const same = own.find((one) => one.mark === mark && now < one.at + GUESSES.window);
  if (same) {
    return {
      next: state,
      taken: { allowed: true, fresh: false, others: recent.some((one) => one !== same) },
    };
  }
  const strangers = known.filter((one) => one.lane.startsWith(STRANGERS));
  const until = latest([
    freeAt(times(recent), GUESSES, now),
    freeAt(times(own), GUESSES_OF_DAY, now),
    guesser.kind === "stranger" ? freeAt(times(strangers), STRANGERS_GUESSES, now) : undefined,
  ]);
  if (until !== undefined) return { next: state, taken: { allowed: false, until } };
  const next = { ...state, guesses: [...known, { lane, mark, at: now }] };
  return { next, taken: { allowed: true, fresh: true, others: recent.length > 0 } };
}

/** Takes a guess from the count, the newest of its kind: nothing was compared, or it was no guess because the code is the user's. */
export function returnGuess(
  state: InboxState,
  { guesser, mark }: { readonly guesser: Guesser; readonly mark: string },
): InboxState {
  const lane = laneOf(guesser);
  const guesses = state.guesses ?? [];
  const newest = guesses.findLast((one) => one.lane === lane && one.mark === mark);
  return newest ? { ...state, guesses: guesses.filter((one) => one !== newest) } : state;
}

/** A code was redeemed in this lane: what was typed wrong on the way stays in the day's sum alone. */
export function forgiveGuesses(state: InboxState, guesser: Guesser): InboxState {
  const lane = laneOf(guesser);
  const guesses = state.guesses ?? [];
  if (!guesses.some((one) => one.lane === lane && !one.forgiven)) return state;
  return { ...state, guesses: guesses.map((one) => (one.lane === lane ? { ...one, forgiven: true } : one)) };
}

/**
 * A client has given out a new code: a new challenge, new guesses (T60). What strangers, and the client's own waiters and backend, have
 * typed wrong before stays in the day's sum alone, which bounds codes times guesses.
 */
export function renewGuesses(state: InboxState, clientId: ClientId): InboxState {
  const own = [`waiter:${clientId}`, `backend:${clientId}`];
  const isRenewed = ({ lane, forgiven }: CountedGuess) =>
    !forgiven && (lane.startsWith(STRANGERS) || own.includes(lane));
  const guesses = state.guesses ?? [];
  if (!guesses.some(isRenewed)) return state;
  return {
    ...state,
    guesses: guesses.map((one) => (isRenewed(one) ? { ...one, forgiven: true } : one)),
  };
}

/** Until when a guess is worth remembering. */
export const guessesMatterUntil = ({ guesses }: InboxState): Instant =>
  Math.max(0, ...(guesses ?? []).map(({ at }) => at + DAY));
