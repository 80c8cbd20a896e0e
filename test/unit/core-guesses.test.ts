import { expect, test } from "vitest";
import { GUESS_WINDOW, returnGuess, takeGuess } from "../../src/core/inbox/guesses.ts";
import { EMPTY_INBOX, type InboxState } from "../../src/core/inbox/state.ts";

const NOW = 1_790_000_000_000;
const taken = (count: number, at = NOW): InboxState => {
  let state = EMPTY_INBOX;
  for (let i = 0; i < count; i++) state = takeGuess(state, "k", at).next;
  return state;
};

test("five may be taken, the fifth says that none is left, the sixth that none may", () => {
  expect(takeGuess(taken(4), "k", NOW).taken).toEqual({ allowed: true, left: 0 });
  const full = taken(5);
  const sixth = takeGuess(full, "k", NOW + 5);
  expect(sixth).toEqual({ next: full, taken: { allowed: false, until: NOW + GUESS_WINDOW } });
});

test("the window begins with the first guess and is not drawn out by later ones", () => {
  const state = takeGuess(taken(4), "k", NOW + GUESS_WINDOW - 1).next;
  expect(takeGuess(state, "k", NOW + GUESS_WINDOW - 1).taken.allowed).toBe(false);
  expect(takeGuess(state, "k", NOW + GUESS_WINDOW).taken).toEqual({ allowed: true, left: 4 });
});

test("a right guess clears the count, a void one takes back itself alone", () => {
  expect(returnGuess(taken(4), "k", "right").counters).toEqual({});
  expect(returnGuess(taken(4), "k", "void").counters.k?.count).toBe(3);
  expect(returnGuess(taken(1), "k", "void").counters).toEqual({});
  expect(returnGuess(EMPTY_INBOX, "k", "void")).toBe(EMPTY_INBOX);
});

test("kinds are counted apart", () => {
  expect(takeGuess(taken(5), "other", NOW).taken).toEqual({ allowed: true, left: 4 });
});
