import { describe, expect, test } from "vitest";
import { readCallbackTarget } from "../../../../src/core/client/callback-target.ts";
import { ALLOWED_CALLBACKS, REFUSED_CALLBACKS } from "../../../vectors/callback-targets.ts";

/** What is wrong with the address; undefined: nothing. */
function faultOf(text: string, allowPrivate: boolean): string | undefined {
  const read = readCallbackTarget(text, allowPrivate);
  return read.ok ? undefined : read.error.detail;
}

describe("addresses that a client asks to be called at", () => {
  test.each(REFUSED_CALLBACKS)("T97 refused: %j", (text) => {
    expect(faultOf(text, false)).toMatch(/^must /);
  });

  test.each(ALLOWED_CALLBACKS)("allowed: %j", (text) => {
    expect(faultOf(text, false)).toBeUndefined();
  });

  test.each([
    "http://127.0.0.1:9000/hook",
    "http://localhost:9000/hook",
    "https://nas.local/",
    "http://[::1]/",
  ])("T97 in development alone: %s", (text) => {
    expect(faultOf(text, true)).toBeUndefined();
    expect(faultOf(text, false)).toMatch(/^must be /);
  });

  test.each([
    ["http://user@127.0.0.1/", "must not hold credentials"],
    ["ftp://127.0.0.1/", "must be https"],
    ["http://127.0.0.1/#there", "must not have a fragment"],
    ["127.0.0.1", "must be an absolute URL"],
  ])("development does not let %s pass", (text, fault) => {
    expect(faultOf(text, true)).toBe(fault);
  });

  test("a refusal never repeats the address", () => {
    for (const text of REFUSED_CALLBACKS) {
      const host = URL.parse(text)?.host;
      if (host) expect(faultOf(text, false)).not.toContain(host);
    }
  });
});
