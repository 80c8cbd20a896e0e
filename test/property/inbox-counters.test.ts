import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Count, countStart, countTogether, makeTally, uncount } from "../../src/core/inbox/counters.ts";
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

describe("counts together", () => {
  type Counting = { readonly name: "count" | "uncount"; readonly kinds: readonly string[] };
  const KINDS: Readonly<Record<string, Omit<Count, "kind">>> = {
    all: { limit: 7, window: DAY },
    here: { limit: 3, window: 10 * MINUTE },
    there: { limit: 3, window: 10 * MINUTE },
  };
  const counting: fc.Arbitrary<Counting> = fc.record({
    name: fc.constantFrom("count", "count", "count", "count", "count", "uncount"),
    kinds: fc.constantFrom(["all"], ["all", "here"], ["all", "there"], ["here"]),
  });
  const pauses = fc.oneof(
    { arbitrary: fc.constantFrom(0, 1, 60_000), weight: 20 },
    { arbitrary: fc.constantFrom(DAY - 1, DAY), weight: 1 },
  );

  test("T63 T153 no count passes its limit in its window; a full one lets none of its neighbours be charged", () => {
    let refused = 0;
    fc.assert(
      fc.property(stories(counting, pauses), (story) => {
        const known = new Map<string, { count: number; until: Instant }>();
        const live = (kind: string, now: Instant) => {
          const one = known.get(kind);
          return one && now < one.until ? one : undefined;
        };
        play(story, (state, { name, kinds }, now) => {
          if (name === "uncount") {
            for (const kind of kinds) {
              const one = known.get(kind);
              if (one && one.count > 1) one.count--;
              else known.delete(kind);
            }
            return uncount(state, kinds);
          }
          const counts = kinds.map((kind) => ({ kind, ...(KINDS[kind] ?? { limit: 0, window: 0 }) }));
          const { next, value } = countTogether(state, counts, now);
          const full = counts.filter(({ kind, limit }) => (live(kind, now)?.count ?? 0) >= limit);
          expect(value.allowed).toBe(full.length === 0);
          if (!value.allowed) {
            refused++;
            expect(next).toBe(state);
            expect(value.retryAt).toBe(Math.max(...full.map(({ kind }) => live(kind, now)?.until ?? 0)));
            return next;
          }
          for (const { kind, window } of counts) {
            const one = live(kind, now) ?? { count: 0, until: now + window };
            known.set(kind, { ...one, count: one.count + 1 });
          }
          expect(value.left).toEqual(counts.map(({ kind, limit }) => limit - (known.get(kind)?.count ?? 0)));
          return next;
        });
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  test("T153 a thousand networks are not a thousand counters, and the busiest are kept", () => {
    let state = EMPTY_INBOX;
    const of = (network: number): Count[] => [
      { kind: "sends", limit: 100_000, window: DAY },
      { kind: `sends:${network}`, limit: 10, window: DAY },
    ];
    for (let time = 0; time < 10; time++) state = countTogether(state, of(7), BIRTH).next;
    for (let network = 100; network < 1_100; network++) state = countTogether(state, of(network), BIRTH).next;
    expect(Object.keys(state.counters).length).toBeLessThanOrEqual(501);
    expect(countTogether(state, of(7), BIRTH).value).toMatchObject({ allowed: false, full: "sends:7" });
    expect(state.counters.sends?.count).toBe(1_010);
  });
});

describe("starts about somebody", () => {
  test("T154 ten a minute about each user, five of them from one network, and the next minute begins anew", () => {
    const tally = makeTally();
    const start = (key: string, network: string | undefined, now: Instant) => {
      const about = { key, ...(network === undefined ? {} : { network }) };
      const full = tally.fullUntil(about, now);
      if (full === undefined) tally.add(about, now);
      return full;
    };
    const at = (count: number, key: string, network?: string) =>
      Array.from({ length: count }, () => start(key, network, BIRTH)).filter((full) => full === undefined)
        .length;
    expect(at(8, "ada", "stranger")).toBe(5);
    expect(at(8, "ada", "home")).toBe(5);
    expect(at(1, "ada", "third")).toBe(0);
    expect(at(12, "bob")).toBe(10);
    expect(start("ada", "stranger", BIRTH + MINUTE - 1)).toBe(BIRTH + MINUTE);
    expect(start("ada", "stranger", BIRTH + MINUTE)).toBeUndefined();
  });

  test("T202 one that is given back makes room for one, in its own minute", () => {
    const tally = makeTally();
    const about = { key: "ada", network: "home" };
    for (let time = 0; time < 5; time++) tally.add(about, BIRTH);
    expect(tally.fullUntil(about, BIRTH)).toBe(BIRTH + MINUTE);
    tally.remove(about, BIRTH + 1);
    expect(tally.fullUntil(about, BIRTH + 1)).toBeUndefined();
    tally.add(about, BIRTH + 1);
    expect(tally.fullUntil(about, BIRTH + 1)).toBe(BIRTH + MINUTE);
    for (let time = 0; time < 9; time++) tally.remove({ key: "bob" }, BIRTH + 1);
    expect(tally.fullUntil(about, BIRTH + 1)).toBe(BIRTH + MINUTE);
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
