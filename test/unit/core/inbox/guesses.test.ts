import { expect, test } from "vitest";
import type { ClientId } from "../../../../src/core/ids.ts";
import {
  forgiveGuesses,
  guessesMatterUntil,
  returnGuess,
  takeGuess,
} from "../../../../src/core/inbox/guesses.ts";
import { GUESSES, GUESSES_OF_DAY, STRANGERS_GUESSES } from "../../../../src/core/inbox/limits.ts";
import { EMPTY_INBOX, type Guesser, type InboxState } from "../../../../src/core/inbox/state.ts";
import { DAY } from "../../../../src/core/time.ts";

const NOW = 1_790_000_000_000;
const HERE: Guesser = { kind: "stranger", network: "here" };
const THERE: Guesser = { kind: "stranger", network: "there" };
const BACKEND: Guesser = { kind: "backend", clientId: "bank" as ClientId };

const takenBy = (guesser: Guesser, count: number, at = NOW, from = EMPTY_INBOX): InboxState => {
  let state = from;
  for (let i = 0; i < count; i++) state = takeGuess(state, { guesser, mark: `m${i} ${at}` }, at).next;
  return state;
};
const take = (state: InboxState, guesser: Guesser, mark: string, at = NOW) =>
  takeGuess(state, { guesser, mark }, at).taken;

test("T151 five different guesses may be taken in a quarter of an hour, the sixth may not, and nothing changes by it", () => {
  expect(take(takenBy(HERE, 4), HERE, "x")).toMatchObject({ allowed: true, fresh: true });
  const full = takenBy(HERE, 5);
  const sixth = takeGuess(full, { guesser: HERE, mark: "x" }, NOW + 5);
  expect(sixth).toEqual({ next: full, taken: { allowed: false, until: NOW + GUESSES.window } });
  expect(take(full, HERE, "x", NOW + GUESSES.window)).toMatchObject({ allowed: true });
});

test("T151 the same guess again is the same guess, at once or later in the window, and is never refused", () => {
  let state = EMPTY_INBOX;
  for (let i = 0; i < 20; i++) state = takeGuess(state, { guesser: HERE, mark: "same" }, NOW + i).next;
  expect(state.guesses).toHaveLength(1);
  const full = takenBy(HERE, 5);
  expect(take(full, HERE, `m3 ${NOW}`)).toEqual({ allowed: true, fresh: false, others: true });
  // It may meet another code by then.
  expect(take(full, HERE, `m3 ${NOW}`, NOW + GUESSES.window)).toMatchObject({ fresh: true });
});

test("T151 networks and clients are counted apart, waiters and backends of one client too", () => {
  const full = takenBy(HERE, 5);
  const waiter: Guesser = { kind: "waiter", clientId: "bank" as ClientId };
  for (const other of [THERE, BACKEND, waiter, { kind: "stranger" } as const]) {
    expect(take(full, other, "x")).toMatchObject({ allowed: true });
  }
  const bank = takenBy(BACKEND, 5);
  expect(take(bank, BACKEND, "x")).toMatchObject({ allowed: false });
  expect(take(bank, waiter, "x")).toMatchObject({ allowed: true });
  expect(take(bank, { ...BACKEND, clientId: "blog" as ClientId }, "x")).toMatchObject({ allowed: true });
});

test("T151 one network has twenty guesses in a day, and the lock tells when the first of them is forgotten", () => {
  let state = EMPTY_INBOX;
  for (let round = 0; round < 4; round++) state = takenBy(HERE, 5, NOW + round * GUESSES.window, state);
  const later = NOW + 4 * GUESSES.window;
  expect(take(state, HERE, "x", later)).toEqual({ allowed: false, until: NOW + DAY });
  expect(state.guesses).toHaveLength(GUESSES_OF_DAY.limit);
  expect(take(state, HERE, "x", NOW + DAY)).toMatchObject({ allowed: true });
});

test("T151 strangers of all networks together have a hundred in a day; a backend is not among them", () => {
  let state = EMPTY_INBOX;
  for (let network = 0; network < 20; network++) {
    state = takenBy({ kind: "stranger", network: `n${network}` }, 5, NOW + network, state);
  }
  expect(state.guesses).toHaveLength(STRANGERS_GUESSES.limit);
  expect(take(state, HERE, "x", NOW + 100)).toEqual({ allowed: false, until: NOW + DAY });
  expect(take(state, BACKEND, "x", NOW + 100)).toMatchObject({ allowed: true });
});

test("T151 a guess that is given back frees its own place and no other's", () => {
  const full = takenBy(HERE, 5);
  const returned = returnGuess(full, { guesser: HERE, mark: `m2 ${NOW}` });
  expect(returned.guesses?.map(({ mark }) => mark)).toEqual([0, 1, 3, 4].map((n) => `m${n} ${NOW}`));
  expect(returnGuess(full, { guesser: THERE, mark: `m2 ${NOW}` })).toBe(full);
  expect(returnGuess(EMPTY_INBOX, { guesser: HERE, mark: "x" })).toBe(EMPTY_INBOX);
});

test("T151 a redemption forgives the window and not the day", () => {
  let state = EMPTY_INBOX;
  for (let round = 0; round < 4; round++) {
    state = takenBy(HERE, 5, NOW + round, state);
    if (round < 3) expect(take(state, HERE, "x", NOW + round)).toMatchObject({ allowed: false });
    state = forgiveGuesses(state, HERE);
  }
  expect(take(state, HERE, "x", NOW + 5)).toEqual({ allowed: false, until: NOW + DAY });
  expect(forgiveGuesses(state, HERE)).toBe(state);
  const both = takenBy(THERE, 5, NOW, takenBy(HERE, 5));
  const forgiven = forgiveGuesses(both, HERE);
  expect(take(forgiven, HERE, "x", NOW + 1)).toMatchObject({ allowed: true });
  expect(take(forgiven, THERE, "x", NOW + 1)).toMatchObject({ allowed: false });
  expect(forgiveGuesses(state, THERE)).toBe(state);
});

test("what is remembered of guesses ends with the day and survives JSON", () => {
  const state = takenBy(HERE, 3);
  expect(guessesMatterUntil(state)).toBe(NOW + DAY);
  expect(guessesMatterUntil(EMPTY_INBOX)).toBe(0);
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  const next = takeGuess(state, { guesser: THERE, mark: "x" }, NOW + DAY).next;
  expect(next.guesses).toHaveLength(1);
});
