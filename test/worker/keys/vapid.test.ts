import { decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../src/core/base64.ts";
import { DAY, SECOND } from "../../../src/core/time.ts";
import { makeKeyring } from "../../../src/keys/keyring.ts";
import { makeVerifier } from "../../../src/keys/verifier.ts";
import {
  type ManualClock,
  type MemoryShelf,
  manualClock,
  memoryShelf,
  randomChance,
  secretKeys,
} from "../../fakes/signing-keys.ts";

const START = 1_767_225_600_000;

let shelf: MemoryShelf;
let clock: ManualClock;
const isolate = () => makeKeyring({ shelf, secretKeys, clock, chance: randomChance });

beforeEach(() => {
  shelf = memoryShelf();
  clock = manualClock(START);
});

/** What a push service does with the key that stands beside a token. */
async function keyOf(raw: string) {
  const point = fromBase64Url(raw) ?? new Uint8Array();
  const [x, y] = [toBase64Url(point.subarray(1, 33)), toBase64Url(point.subarray(33))];
  return await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
}

const claims = () => ({
  aud: "https://push.example",
  exp: Math.floor(clock.at / SECOND) + 3_600,
  sub: "mailto:ops@sign.example",
});

describe("the key by which push services know a deployment", () => {
  test("is there when it is needed and no sooner, and is one point of 65 bytes", async () => {
    const keyring = isolate();
    await keyring.check();
    await keyring.published();
    expect(shelf.rows.some(({ lane }) => lane === "vapid")).toBe(false);
    const raw = await keyring.vapidKey();
    const point = fromBase64Url(raw);
    expect([point?.length, point?.[0]]).toEqual([65, 4]);
    expect(await isolate().vapidKey()).toBe(raw);
    await keyring.check();
  });

  test("is one key, however many isolates need it at once", async () => {
    const raws = await Promise.all(Array.from({ length: 5 }, () => isolate().vapidKey()));
    expect(new Set(raws).size).toBe(1);
    expect(shelf.rows.filter(({ lane }) => lane === "vapid")).toHaveLength(1);
  });

  test("signs what that point verifies, under a header of two members", async () => {
    const keyring = isolate();
    const token = await keyring.signVapid(claims());
    expect(decodeProtectedHeader(token)).toEqual({ typ: "JWT", alg: "ES256" });
    const key = await keyOf(await keyring.vapidKey());
    const read = await jwtVerify(token, key, { currentDate: new Date(clock.at) });
    expect(read.payload).toEqual(claims());
  });

  test("rests wrapped, and is never exchanged for another: every subscription goes by it", async () => {
    const raw = await isolate().vapidKey();
    expect(JSON.stringify(shelf.rows)).not.toMatch(/"d":/);
    await isolate().ready("standard");
    for (let year = 0; year < 5; year += 1) {
      clock.at += 365 * DAY;
      await isolate().upkeep();
    }
    expect(await isolate().vapidKey()).toBe(raw);
    expect(shelf.rows.filter(({ lane }) => lane === "vapid")).toHaveLength(1);
    expect((await isolate().list()).filter(({ lane }) => lane === "vapid")).toMatchObject([
      { state: "current", algorithm: "ES256" },
    ]);
  });

  test("T88 is in no JWKS, and no token of ours is good by it", async () => {
    const keyring = isolate();
    await keyring.ready("standard");
    const point = fromBase64Url(await keyring.vapidKey()) ?? new Uint8Array();
    const x = toBase64Url(point.subarray(1, 33));
    const lists = [
      await keyring.published(),
      await keyring.published({ cotterFirst: true }),
      await keyring.published({ lane: "standard" }),
    ];
    for (const keys of lists) expect(keys.map((key) => key.x)).not.toContain(x);
    const kid = shelf.rows.find(({ lane }) => lane === "vapid")?.kid ?? "";
    expect(await keyring.find(kid)).toBeUndefined();
    // Signed for a push service, shown to us as an access token.
    const token = await keyring.signVapid({ ...claims(), sub: "someone", iat: claims().exp - 3_600 });
    const read = await makeVerifier(keyring, clock).verify(token, { kind: "access" });
    expect(read.ok).toBe(false);
  });
});
