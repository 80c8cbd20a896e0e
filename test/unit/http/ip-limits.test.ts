import { describe, expect, test } from "vitest";
import {
  addressKey,
  makeIpLimits,
  networkKey,
  type RateLimiter,
  retryAfterMinute,
} from "../../../src/http/ip-limits.ts";

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

function limits(options: { on?: boolean; miss?: RateLimiter; wait?: RateLimiter; read?: RateLimiter } = {}) {
  const time = { now: 90_000 };
  const open = limiter(Number.POSITIVE_INFINITY);
  let turn = 0;
  const made = makeIpLimits({
    on: options.on ?? true,
    issuer: "https://sign.example",
    clock: { now: () => time.now },
    chance: { number: (limit) => 1 + (turn++ % (limit - 1)) },
    limiters: {
      start: open,
      wait: options.wait ?? open,
      miss: options.miss ?? open,
      admin: open,
      send: open,
      read: options.read ?? open,
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

describe("S12 an IPv6 network", () => {
  test.each([
    ["192.0.2.1", undefined],
    ["::ffff:192.0.2.1", undefined],
    ["2001:db8:1:2::9", "2001:db8:1::/48"],
    ["2001:0DB8:0001:0106::9", "2001:db8:1::/48"],
    ["2001:db8::9", "2001:db8:0::/48"],
  ])("%s is in %s", (ip, network) => {
    expect(networkKey(ip)).toBe(network);
  });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2::9", "2001:db8:1::/48"],
    ["2001:db8:1:3::9", "2001:db8:1::/48"],
    ["2001:db8:2:3::9", "2001:db8:2::/48"],
    [undefined, undefined],
  ])("the shares of strangers count %s as %s", (ip, network) => {
    expect(limits().network(ip)).toBe(network);
    expect(limits({ on: false }).network(ip)).toBeUndefined();
  });

  const passed = async (ips: readonly string[], made = limits({ wait: limiter(60) })) => {
    const answers = [];
    for (const ip of ips) answers.push(await made.wait(ip));
    return answers.filter(Boolean).length;
  };
  const nets = Array.from({ length: 300 }, (_, index) => `2001:db8:1:${index.toString(16)}::1`);

  test("has four times the share of an address, whatever its /64s are called", async () => {
    const made = limits({ wait: limiter(60) });
    expect(await passed(nets, made)).toBe(240);
    const others = nets.map((ip) => ip.replace("8:1:", "8:2:"));
    expect(await passed(others, made)).toBe(240);
  });

  test("one address in it takes no more than its own share from the others", async () => {
    const made = limits({ wait: limiter(60) });
    expect(await passed(Array(10_000).fill("2001:db8:1:4::1"), made)).toBe(60);
    expect(await passed(nets, made)).toBe(180);
  });

  test("misses from many of its /64s block it whole, those from one do not", async () => {
    const made = limits({ miss: limiter(2) });
    for (let miss = 0; miss < 20; miss++) await made.miss("2001:db8:1:4::1");
    expect([made.blocked("2001:db8:1:4::2"), made.blocked("2001:db8:1:5::1")]).toEqual([true, false]);
    for (let net = 16; net < 32; net++) await made.miss(`2001:db8:1:${net}::1`);
    expect(made.blocked("2001:db8:1:5::1")).toBe(true);
    expect(made.blocked("2001:db8:2:5::1")).toBe(false);
  });
});

describe("limits per address", () => {
  test("what brings nothing and what brings something to check are counted apart", async () => {
    const made = limits({ read: limiter(1) });
    expect([await made.look("192.0.2.1"), await made.look("192.0.2.1")]).toEqual([true, false]);
    expect([await made.check("192.0.2.1", "a"), await made.check("192.0.2.1", "b")]).toEqual([true, false]);
    expect(await made.check("192.0.2.1", undefined)).toBe(false);
    expect(await made.look("192.0.2.2")).toBe(true);
  });

  test("S14 what was found good is not counted for an hour, or until it is found bad", async () => {
    const made = limits({ read: limiter(0) });
    expect(await made.check("192.0.2.1", "a")).toBe(false);
    made.vouch("a", true);
    expect([await made.check("192.0.2.1", "a"), await made.check("192.0.2.1", "b")]).toEqual([true, false]);
    made.time.now += 3_599_999;
    expect(await made.check("192.0.2.1", "a")).toBe(true);
    made.time.now += 1;
    expect(await made.check("192.0.2.1", "a")).toBe(false);
    made.vouch("a", true);
    made.vouch("a", false);
    expect(await made.check("192.0.2.1", "a")).toBe(false);
  });

  test("what is known to be good is bounded, the oldest goes", async () => {
    const made = limits({ read: limiter(0) });
    for (let index = 0; index <= 10_000; index++) made.vouch(`name ${index}`, true);
    expect(await made.check("192.0.2.1", "name 0")).toBe(false);
    expect(await made.check("192.0.2.1", "name 1")).toBe(true);
  });

  test("a reading by a public text is counted for the address, and for the text in its network", async () => {
    const made = limits({ wait: limiter(2) });
    expect(await made.read("2001:db8:1:1::1", "key")).toBe(true);
    expect(await made.read("2001:db8:1:2::1", "key")).toBe(true);
    expect(await made.read("2001:db8:1:3::1", "key")).toBe(false);
    expect(await made.read("2001:db8:1:3::1", "other")).toBe(true);
    expect(await made.read("192.0.2.1", "other")).toBe(true);
    expect(await made.read("192.0.2.1", "third")).toBe(true);
    expect(await made.read("192.0.2.1", "fourth")).toBe(false);
    const unknown = [];
    for (let call = 0; call < 3; call++) unknown.push(await made.read(undefined, "key"));
    expect(unknown).toEqual([true, true, false]);
    expect(await limits({ on: false, wait: limiter(0) }).read("192.0.2.1", "key")).toBe(true);
  });

  test("whoever has seen a public key keeps its phone elsewhere from nothing", async () => {
    const made = limits({ wait: limiter(60) });
    for (let call = 0; call < 300; call++) await made.read(`2001:db8:1:${call.toString(16)}::1`, "key");
    for (let call = 0; call < 300; call++) await made.read(`192.0.2.${call % 5}`, "key");
    expect(await made.read("192.0.2.77", "key")).toBe(true);
    expect(await made.read("2001:db8:2::1", "key")).toBe(true);
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
