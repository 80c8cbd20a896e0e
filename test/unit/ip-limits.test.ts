import { describe, expect, test } from "vitest";
import { addressKey, makeIpLimits, type RateLimiter, retryAfterMinute } from "../../src/http/ip-limits.ts";

/** Lets `limit` calls of each key through, and remembers the keys. */
function limiter(limit: number): RateLimiter & { readonly keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    async limit({ key }) {
      keys.push(key);
      return { success: keys.filter((known) => known === key).length <= limit };
    },
  };
}

function limits(options: { on?: boolean; miss?: RateLimiter; wait?: RateLimiter } = {}) {
  const time = { now: 90_000 };
  const open = limiter(Number.POSITIVE_INFINITY);
  const made = makeIpLimits({
    on: options.on ?? true,
    issuer: "https://sign.example",
    clock: { now: () => time.now },
    limiters: {
      start: open,
      wait: options.wait ?? open,
      miss: options.miss ?? open,
      admin: open,
      send: open,
    },
  });
  return { ...made, time };
}

describe("what counts as one address", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["2001:db8::1:2:3:4", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ])("%s -> %s", (ip, key) => {
    expect(addressKey(ip)).toBe(key);
  });

  test("neighbours in a /64 are one, two of them are two", () => {
    expect(addressKey("2001:db8:1:2::1")).toBe(addressKey("2001:db8:1:2:ffff::1"));
    expect(addressKey("2001:db8:1:2::1")).not.toBe(addressKey("2001:db8:1:3::1"));
  });
});

describe("limits per address", () => {
  test("a reading by a public text is counted for the address and for the text, from wherever", async () => {
    const wait = limiter(2);
    const made = limits({ wait });
    expect(await made.read("192.0.2.1", "key")).toBe(true);
    expect(await made.read("192.0.2.2", "key")).toBe(true);
    expect(await made.read("192.0.2.3", "key")).toBe(false);
    expect(await made.read("192.0.2.1", "other")).toBe(true);
    expect(await made.read("192.0.2.1", "third")).toBe(false);
    expect(await made.read(undefined, "third")).toBe(true);
    expect(await limits({ on: false, wait: limiter(0) }).read("192.0.2.1", "key")).toBe(true);
    expect(new Set(wait.keys)).toContain("https://sign.example|read|key");
  });

  test("keys carry the issuer", async () => {
    const wait = limiter(1);
    const made = limits({ wait });
    expect(await made.wait("192.0.2.1")).toBe(true);
    expect(await made.wait("192.0.2.1")).toBe(false);
    expect(wait.keys).toEqual(["https://sign.example|192.0.2.1", "https://sign.example|192.0.2.1"]);
  });

  test("switched off, or without an address, nothing is counted", async () => {
    const wait = limiter(0);
    expect(await limits({ wait, on: false }).wait("192.0.2.1")).toBe(true);
    expect(await limits({ wait }).wait(undefined)).toBe(true);
    expect(wait.keys).toEqual([]);
  });

  test("too many misses block the address until the minute ends, and no other address", async () => {
    const made = limits({ miss: limiter(2) });
    expect(await made.miss("192.0.2.1")).toBe(true);
    expect(await made.miss("192.0.2.1")).toBe(true);
    expect(made.blocked("192.0.2.1")).toBe(false);
    expect(await made.miss("192.0.2.1")).toBe(false);
    expect(made.blocked("192.0.2.1")).toBe(true);
    expect(made.blocked("192.0.2.2")).toBe(false);
    expect(made.blocked(undefined)).toBe(false);
    made.time.now = 119_999;
    expect(made.blocked("192.0.2.1")).toBe(true);
    made.time.now = 120_000;
    expect(made.blocked("192.0.2.1")).toBe(false);
  });

  test("a counter that fails shuts nobody out", async () => {
    const wait = { limit: () => Promise.reject(new Error("down")) };
    expect(await limits({ wait }).wait("192.0.2.1")).toBe(true);
  });

  test("Retry-After is what is left of the minute, rounded up", () => {
    expect([retryAfterMinute(60_000), retryAfterMinute(60_001), retryAfterMinute(119_999)]).toEqual([
      60, 60, 1,
    ]);
  });
});
