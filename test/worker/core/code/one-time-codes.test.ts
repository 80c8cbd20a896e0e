import { expect, test } from "vitest";
import { chance } from "../../../../src/wiring.ts";

const CODES = 1_000_000;
const DIGITS = 6;

/** Pearson's statistic of counts against an even spread. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test("T65 a million one-time codes: six digits, every digit in every place and every leading triple as often as any other", () => {
  const drawn = chance.digits(CODES * DIGITS);
  expect(drawn).toMatch(/^[0-9]+$/);
  expect(drawn).toHaveLength(CODES * DIGITS);
  const places = Array.from({ length: DIGITS }, () => new Array<number>(10).fill(0));
  const triples = new Array<number>(1_000).fill(0);
  for (let start = 0; start < drawn.length; start += DIGITS) {
    for (let place = 0; place < DIGITS; place++) {
      const digit = drawn.charCodeAt(start + place) - 48;
      const counts = places[place] ?? [];
      counts[digit] = (counts[digit] ?? 0) + 1;
    }
    const triple = Number(drawn.slice(start, start + 3));
    triples[triple] = (triples[triple] ?? 0) + 1;
  }
  // Chance itself goes past these once in about ten million runs (chi-square with 9 and 999 degrees of freedom).
  for (const counts of places) expect(chiSquare(counts)).toBeLessThan(51);
  expect(chiSquare(triples)).toBeLessThan(1_260);
});

test("T65 the measure sees the bias of a byte's remainder", () => {
  const bytes = new Uint8Array(60_000);
  crypto.getRandomValues(bytes);
  const counts = new Array<number>(10).fill(0);
  for (let round = 0; round < 20; round++) {
    crypto.getRandomValues(bytes);
    for (const byte of bytes) counts[byte % 10] = (counts[byte % 10] ?? 0) + 1;
  }
  expect(chiSquare(counts)).toBeGreaterThan(51);
});
