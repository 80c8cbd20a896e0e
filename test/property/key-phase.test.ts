import fc from "fast-check";
import { expect, test } from "vitest";
import type { Lane, StoredKey } from "../../src/core/keys/key.ts";
import { DAY, HOUR } from "../../src/core/time.ts";
import { LANES } from "../../src/keys/lanes.ts";
import { isPublished, phase, schedule } from "../../src/keys/schedule.ts";

const START = 1_900_000_000_000;

const key = (lane: Lane, generation: number, activatesAt: number): StoredKey => ({
  lane,
  generation,
  kid: `${lane}-${generation}`,
  algorithm: "ES256",
  publicJwk: {},
  wrappedPrivate: `${lane}-${generation}`,
  wrappedBy: 1,
  createdAt: activatesAt,
  activatesAt,
});

/** The keys of each lane: each becomes active some hours or days after the one before it. */
const shelves = fc
  .array(fc.tuple(fc.constantFrom(...LANES), fc.integer({ min: 0, max: 30 * HOUR })), {
    minLength: 6,
    maxLength: 16,
  })
  .map((steps) => {
    const last = new Map<Lane, { generation: number; at: number }>();
    return steps.map(([lane, wait]) => {
      const { generation, at } = last.get(lane) ?? { generation: 0, at: START };
      last.set(lane, { generation: generation + 1, at: at + wait });
      return key(lane, generation + 1, at + wait);
    });
  });
/** Through the days in which the keys follow each other, and some behind them. */
const instants = fc.integer({ min: START - DAY, max: START + 12 * DAY });

/** What is published, asked anew. */
const afresh = (keys: readonly StoredKey[], lane: Lane, now: number) =>
  schedule(keys, lane, now).filter((scheduled) => isPublished(scheduled, now));

test("T88 for as long as a phase holds, it says what would be said anew", () => {
  let held = 0;
  let left = 0;
  fc.assert(
    fc.property(
      shelves,
      instants,
      fc.array(instants, { minLength: 20, maxLength: 20 }),
      (keys, from, asked) => {
        const kept = phase(keys, LANES, from);
        expect(kept.holds(from)).toBe(true);
        const edges = keys.flatMap((each) => {
          const until = schedule(keys, each.lane, from).find((one) => one.key === each)?.publishedUntil ?? 0;
          return [each.activatesAt, until].flatMap((at) => [at - 1, at, at + 1]);
        });
        for (const now of [from, ...asked, ...edges]) {
          if (!kept.holds(now)) {
            left += 1;
            continue;
          }
          held += 1;
          for (const lane of LANES) expect(kept.published(lane)).toEqual(afresh(keys, lane, now));
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(held).toBeGreaterThan(200);
  expect(left).toBeGreaterThan(200);
});

test("a clock that was set back has left the phase", () => {
  const keys = [key("standard", 1, START), key("standard", 2, START + DAY)];
  const kept = phase(keys, LANES, START + 2 * DAY);
  expect([kept.holds(START + 2 * DAY - 1), kept.holds(START)]).toEqual([false, false]);
});
