import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countStart, refundGuess, reserveGuess } from "../../src/core/inbox/counters.ts";
import {
  noteDevice,
  openEnrolment,
  restoreEnrolment,
  takeEnrolment,
} from "../../src/core/inbox/enrolment.ts";
import { EMPTY_INBOX, type InboxState } from "../../src/core/inbox/state.ts";
import type { Instant, Millis } from "../../src/core/time.ts";
import { BIRTH, type Timed } from "./arbitraries.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

const stories = <T>(commands: fc.Arbitrary<T>, pauses: fc.Arbitrary<Millis>) =>
  fc.array(fc.record({ after: pauses, command: commands }), { minLength: 1, maxLength: 60, size: "max" });

/** Plays a story on an empty inbox; what `act` returns is the next state. */
function play<T>(
  story: readonly Timed<T>[],
  act: (state: InboxState, command: T, now: Instant) => InboxState,
): void {
  let state = EMPTY_INBOX;
  let now = BIRTH;
  for (const { after, command } of story) {
    now += after;
    state = act(state, command, now);
  }
}

describe("the window for a first device", () => {
  type Enrolling =
    | { readonly name: "open" | "take"; readonly binding: string }
    | { readonly name: "restore" | "note" };
  const bindings = fc.constantFrom("here", "here", "here", "there");
  const enrolling: fc.Arbitrary<Enrolling> = fc.oneof(
    { arbitrary: fc.record({ name: fc.constantFrom("open" as const), binding: bindings }), weight: 4 },
    { arbitrary: fc.record({ name: fc.constantFrom("take" as const), binding: bindings }), weight: 6 },
    { arbitrary: fc.record({ name: fc.constant("restore" as const) }), weight: 3 },
    { arbitrary: fc.record({ name: fc.constant("note" as const) }), weight: 1 },
  );
  const pauses = fc.oneof(
    { arbitrary: fc.constantFrom(0, 1, 1_000), weight: 8 },
    { arbitrary: fc.constantFrom(10 * MINUTE - 1, 10 * MINUTE), weight: 1 },
  );

  test("is taken at most once, only by whom it was opened for and in time, and never after a device was had", () => {
    let restored = 0;
    let afterDevice = 0;
    fc.assert(
      fc.property(stories(enrolling, pauses), (story) => {
        let hasDevice = false;
        let isTaken = false;
        let open: { binding: string; at: Instant } | undefined;
        // A taker gives its window back at most once, and possibly after a device came by another way.
        let taker: { attempt: string; until: Instant } | undefined;
        let attempts = 0;
        play(story, (state, command, now) => {
          switch (command.name) {
            case "open":
              if (!hasDevice && !isTaken) open = { binding: command.binding, at: now };
              return openEnrolment(state, { key: command.binding }, now);
            case "note":
              hasDevice = true;
              return noteDevice(state);
            case "take": {
              const isMine = open?.binding === command.binding && now - open.at < 10 * MINUTE;
              const { next, taken, until } = takeEnrolment(
                state,
                { kind: "proof", key: command.binding },
                now,
                `attempt ${attempts++}`,
              );
              expect(taken).toBe(isMine && !hasDevice && !isTaken);
              if (hasDevice) afterDevice++;
              if (!taken) expect(next).toBe(state);
              else {
                isTaken = true;
                taker = { attempt: `attempt ${attempts - 1}`, until };
                expect(next.hadDevice).toBe(true);
              }
              return next;
            }
            case "restore": {
              if (!taker) return state;
              const { attempt, until } = taker;
              taker = undefined;
              if (!hasDevice) {
                isTaken = false;
                restored++;
              }
              return restoreEnrolment(state, attempt, until);
            }
          }
        });
      }),
      { numRuns: 2_000 },
    );
    expect(restored).toBeGreaterThan(100);
    expect(afterDevice).toBeGreaterThan(100);
  });

  test("giving back a window that nobody took changes nothing", () => {
    const opened = openEnrolment(EMPTY_INBOX, { key: "here" }, BIRTH);
    expect(restoreEnrolment(EMPTY_INBOX, "mine", BIRTH + 1)).toBe(EMPTY_INBOX);
    expect(restoreEnrolment(opened, "mine", BIRTH + 10 * MINUTE)).toBe(opened);
    const { next, until } = takeEnrolment(opened, { kind: "proof", key: "here" }, BIRTH, "mine");
    expect(restoreEnrolment(next, "another's", until)).toBe(next);
    expect(restoreEnrolment(noteDevice(next), "mine", until)).toEqual(noteDevice(EMPTY_INBOX));
  });
});

describe("guesses", () => {
  type Guessing = { readonly name: "reserve" | "refund"; readonly kind: string };
  const guessing: fc.Arbitrary<Guessing> = fc.record({
    name: fc.constantFrom(
      "reserve",
      "reserve",
      "reserve",
      "reserve",
      "reserve",
      "reserve",
      "reserve",
      "refund",
    ),
    kind: fc.constantFrom("user_code", "user_code", "match_code"),
  });
  const pauses = fc.oneof(
    { arbitrary: fc.constantFrom(0, 1, 60_000), weight: 20 },
    { arbitrary: fc.constantFrom(DAY - 1, DAY), weight: 1 },
  );

  test("T63 of any number of guesses at most `limit` of one kind are allowed between refunds, and a day without one forgets", () => {
    let refused = 0;
    fc.assert(
      fc.property(stories(guessing, pauses), fc.integer({ min: 1, max: 8 }), (story, limit) => {
        const allowed = new Map<string, { count: number; last: Instant }>();
        play(story, (state, { name, kind }, now) => {
          if (name === "refund") {
            allowed.delete(kind);
            return refundGuess(state, kind);
          }
          const known = allowed.get(kind);
          const count = known && now - known.last < DAY ? known.count : 0;
          const reserved = reserveGuess(state, kind, now, limit);
          expect(reserved.allowed).toBe(count < limit);
          if (reserved.allowed) allowed.set(kind, { count: count + 1, last: now });
          else {
            refused++;
            expect(reserved.next).toBe(state);
          }
          return reserved.next;
        });
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  test("T63 a hundred guesses without a limit named: five comparisons", () => {
    let state = EMPTY_INBOX;
    let comparisons = 0;
    for (let guess = 0; guess < 100; guess++) {
      const { next, allowed } = reserveGuess(state, "user_code", BIRTH + guess);
      if (allowed) comparisons++;
      state = next;
    }
    expect(comparisons).toBe(5);
  });
});

describe("starts of a client", () => {
  type Starting = { readonly name: "start" | "sleep"; readonly times: number };
  const starting: fc.Arbitrary<Starting> = fc.oneof(
    {
      arbitrary: fc.record({ name: fc.constant("start" as const), times: fc.integer({ min: 1, max: 40 }) }),
      weight: 6,
    },
    { arbitrary: fc.record({ name: fc.constant("sleep" as const), times: fc.constant(1) }), weight: 1 },
  );
  const limits = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(100, 299, 300, 301));
  const pauses = fc.oneof(
    { arbitrary: fc.constantFrom(0, 1, 1_000), weight: 10 },
    { arbitrary: fc.constantFrom(59_999, 60_000, 61_000), weight: 1 },
  );

  /** The object's part: what it remembers is lost when it sleeps, and then begins at what the lease may have handed out. */
  function counting(limit: number) {
    let memory: number | undefined;
    let window:
      | { ends: Instant; allowed: number; refused: number; writes: number; slept: boolean }
      | undefined;
    return (state: InboxState, { name, times }: Starting, now: Instant) => {
      if (name === "sleep") {
        memory = undefined;
        if (window) window.slept = true;
        return state;
      }
      let current = state;
      for (let start = 0; start < times; start++) {
        if (!window || now >= window.ends) {
          window = { ends: now + MINUTE, allowed: 0, refused: 0, writes: 0, slept: false };
        }
        const counted = countStart(current, memory ?? current.lease?.taken ?? 0, limit, now);
        memory = counted.used;
        if (counted.next !== current) window.writes++;
        if (counted.allowed) window.allowed++;
        else window.refused++;
        current = counted.next;
        expect(window.allowed).toBeLessThanOrEqual(limit);
        expect(counted.retryAt).toBe(window.ends);
        if (window.refused > 0 && !window.slept) expect(window.allowed).toBe(limit);
        expect(window.writes).toBeLessThanOrEqual(20);
        if (counted.allowed) expect(current.lease?.taken ?? 0).toBeGreaterThanOrEqual(window.allowed);
      }
      return current;
    };
  }

  test("T05 never more than the limit in a window, even when memory is lost at any moment; without loss exactly the limit, in at most 20 writes", () =>
    fc.assert(
      fc.property(stories(starting, pauses), limits, (story, limit) => play(story, counting(limit))),
      { numRuns: 300 },
    ));

  test("T05 of five hundred starts in one minute the first three hundred are allowed", () => {
    const results: boolean[] = [];
    play(
      Array.from({ length: 500 }, () => ({ after: 0, command: {} })),
      (state, _command, now) => {
        const used = results.filter(Boolean).length;
        const counted = countStart(state, used, 300, now);
        results.push(counted.allowed);
        return counted.next;
      },
    );
    expect(results.filter(Boolean).length).toBe(300);
    expect(results.indexOf(false)).toBe(300);
  });
});
