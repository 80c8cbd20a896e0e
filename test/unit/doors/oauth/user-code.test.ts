import { describe, expect, test } from "vitest";
import { GUESSES } from "../../../../src/core/inbox/limits.ts";
import {
  LENGTH,
  LETTERS,
  readUserCode,
  shownUserCode,
} from "../../../../src/doors/oauth/device/user-code.ts";
import { DEVICE_CODE_LIFETIME } from "../../../../src/doors/oauth/lifetimes.ts";

test("T65 a user code has 34.5 bits at least", () => {
  expect(new Set(LETTERS).size).toBe(20);
  expect(LENGTH * Math.log2(LETTERS.length)).toBeGreaterThan(34.5);
  expect(LETTERS).not.toMatch(/[AEIOUY0-9]/);
});

test("T66 the chance to hit one code in its life, from the settings, is below 2^-32 for a user and for a network", () => {
  // The window rolls: in a life that is shorter there is no more than one of its counts.
  expect(DEVICE_CODE_LIFETIME).toBeLessThanOrEqual(GUESSES.window);
  expect(GUESSES.limit / LETTERS.length ** LENGTH).toBeLessThan(2 ** -32);
});

describe("what is typed", () => {
  test.each([
    "WDJB-MJHT",
    "wdjbmjht",
    " wdjb mjht ",
    "W D J B M J H T",
    "wdjb\u2013mjht",
    "WDJB\u00a0MJHT",
    "\uff37\uff24\uff2a\uff22-\uff2d\uff2a\uff28\uff34",
    "--wdjb--mjht--",
  ])("%s is read as the code that was shown", (typed) => {
    expect(readUserCode(typed)).toBe("WDJBMJHT");
  });

  test.each([
    "",
    "WDJB-MJH",
    "WDJB-MJHTX",
    "WDJA-MJHT",
    "WDJ8-MJHT",
    "WDJB_MJHT",
    "WDJB.MJHT",
    "WDJB-MJH\u0422",
    "WDJB-MJH\u017f",
    "WDJB-MJ\ufb05",
    "WDJB-MJ\u00df",
    "WDJB-MJHT;",
    "<WDJB-MJHT>",
    "W".repeat(10_000),
  ])("%s is refused", (typed) => {
    expect(readUserCode(typed)).toBeUndefined();
  });

  test("it is shown in two groups", () => {
    expect(shownUserCode("WDJBMJHT")).toBe("WDJB-MJHT");
    expect(readUserCode(shownUserCode("BCDFGHJK"))).toBe("BCDFGHJK");
  });
});
