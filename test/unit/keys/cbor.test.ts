import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCbor } from "../../../src/keys/cbor.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("reads what authenticators may write (RFC 8949, appendix A)", () => {
  test.each<[string, unknown]>([
    ["00", 0],
    ["17", 23],
    ["18 18", 24],
    ["19 03e8", 1000],
    ["1a 000f4240", 1_000_000],
    ["26", -7],
    ["39 0100", -257],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["44 01020304", Uint8Array.of(1, 2, 3, 4)],
    ["62 c3bc", "ü"],
    ["83 01 02 03", [1, 2, 3]],
    ["80", []],
    ["a0", new Map()],
    [
      "a2 61 61 01 03 82 02 03",
      new Map<unknown, unknown>([
        ["a", 1],
        [3, [2, 3]],
      ]),
    ],
  ])("%s", (hex, value) => {
    expect(readCbor(bytesOf(hex))).toEqual({ value, end: bytesOf(hex).length });
  });

  test("one item from the middle, and where it ends", () => {
    expect(readCbor(bytesOf("ff ff 18 64 00"), 2)).toEqual({ value: 100, end: 4 });
  });
});

test.each([
  ["nothing", ""],
  ["a number that is cut short", "19 03"],
  ["bytes that are cut short", "44 010203"],
  ["a number spelled longer than it is", "18 17"],
  ["a length spelled longer than it is", "58 01 aa"],
  ["two bytes where one would do", "19 00ff"],
  ["four bytes where two would do", "1a 0000ffff"],
  ["a number of 64 bits", "1b 0000000100000000"],
  ["an information value that is reserved", "1c"],
  ["bytes of indefinite length", "5f 41 01 41 02 ff"],
  ["a text of indefinite length", "7f 61 61 ff"],
  ["a list of indefinite length", "9f 01 ff"],
  ["a map of indefinite length", "bf 01 02 ff"],
  ["a break by itself", "ff"],
  ["a tag", "c0 01"],
  ["a float", "f9 3c00"],
  ["undefined", "f7"],
  ["a simple value nobody knows", "f8 20"],
  ["a text that is no UTF-8", "61 ff"],
  ["a key twice", "a2 01 02 01 03"],
  ["a key that is a list", "a1 80 01"],
  ["a key that is bytes", "a1 41 01 01"],
  ["a map without its last value", "a1 01"],
  ["lists inside lists, too deep", "81 81 81 81 81 00"],
])("refuses %s", (_what, hex) => {
  expect(readCbor(bytesOf(hex))).toBeUndefined();
});

test("a length that is only claimed takes no memory", () => {
  for (const head of ["9a 01ffffff", "ba 01ffffff", "9a ffffffff", "5a ffffffff"]) {
    const before = process.memoryUsage().heapUsed;
    expect(readCbor(bytesOf(`${head} ${head} ${head} ${head}`))).toBeUndefined();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  }
});

test("whatever comes is read or refused, never thrown at, and never read beyond its end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const read = readCbor(bytes);
      if (read) expect(read.end).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 5_000 },
  );
});
