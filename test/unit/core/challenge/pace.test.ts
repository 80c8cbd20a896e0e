import { describe, expect, test } from "vitest";
import { keepPace, type Pace } from "../../../../src/core/challenge/pace.ts";

const FIVE = 5_000;

/** What each poll at these seconds is told: the distance it has to keep from now on, or nothing. */
function walk(seconds: readonly number[]): readonly (number | undefined)[] {
  let pace: Pace | undefined;
  return seconds.map((second) => {
    const { next, slower } = keepPace(pace, FIVE, second * 1_000);
    pace = next;
    return slower;
  });
}

describe("the pace of a poll", () => {
  test("T42 the first is never too soon", () => {
    expect(walk([0])).toEqual([undefined]);
  });

  test("T40 one that comes too soon makes the distance 10 s, once, and it never drops", () => {
    expect(walk([0, 2, 7, 10, 15, 24, 39])).toEqual([
      undefined,
      10_000,
      10_000,
      undefined,
      15_000,
      undefined,
      undefined,
    ]);
  });

  test("T41 a steady client with 250 ms of jitter is never told to be slower", () => {
    const polls = Array.from({ length: 45 }, (_, index) => index * 5 + (index % 2 === 0 ? 0.25 : -0.25));
    expect(walk(polls).every((slower) => slower === undefined)).toBe(true);
  });

  test("T41 a poll that was too soon does not count: the next is measured from the last good one", () => {
    expect(walk([0, 4.5, 8, 9])).toEqual([undefined, undefined, 10_000, 10_000]);
    expect(walk([0, 3, 9])).toEqual([undefined, 10_000, undefined]);
  });

  test("the distance ends at a minute", () => {
    let pace: Pace = { interval: 58_000, last: 0 };
    const polls = [1_000, 60_000, 61_000, 120_000, 121_000].map((now) => {
      const judged = keepPace(pace, FIVE, now);
      pace = judged.next;
      return judged.slower;
    });
    expect(polls).toEqual([60_000, undefined, 60_000, undefined, 60_000]);
  });
});
