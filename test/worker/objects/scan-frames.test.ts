import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  FRAME_ASKS,
  FRAME_GRACE,
  FRAME_LIFETIME,
  FRAME_PAUSE,
} from "../../../src/core/challenge/scan-frame.ts";
import type { ChallengeId } from "../../../src/core/ids.ts";
import {
  approve,
  CLIENT,
  challenges,
  DEVICE,
  deny,
  inside,
  opened,
  spec,
  storedIn,
  stubOf,
  USER,
} from "../support/challenges.ts";
import { type Ear, listen } from "../support/sockets.ts";
import { until } from "../support/until.ts";

async function connect(id: ChallengeId): Promise<Ear> {
  const ear = listen(await challenges.socket(id, undefined));
  await new Promise((resolve) => ear.socket.addEventListener("message", resolve, { once: true }));
  return ear;
}
const later = (by: number) => vi.setSystemTime(Date.now() + by);
const heard = (ear: Ear) =>
  ear.heard.filter((frame) => frame !== "pong").map((frame) => JSON.parse(frame) as Record<string, string>);

/** Says something and waits for what is said back; `until` would move the clock. */
const say = (ear: Ear, text: string): Promise<string> =>
  new Promise((resolve) => {
    ear.socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true });
    ear.socket.send(text);
  });
/** Asks for a value, and answers what was told. */
const ask = async (ear: Ear) => JSON.parse(await say(ear, "qr")) as Record<string, string>;
const draw = async (ear: Ear): Promise<string> => (await ask(ear)).frame ?? "";
const isGood = async (id: ChallengeId, frame: string) => (await challenges.scanned(id, frame)) !== undefined;
/** Until the object has heard everything that was sent before: it answers in order. */
const settleDown = async (ear: Ear): Promise<void> => expect(await say(ear, "ping")).toBe("pong");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the QR code of a waiting screen", () => {
  test("T96 a socket that asks is given 128 random bits and their end, and they find the challenge", async () => {
    const begun = spec();
    await challenges.open(begun);
    const ear = await connect(begun.id);
    const told = await ask(ear);
    expect(told).toEqual({
      type: "qr",
      frame: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      until: new Date(Date.now() + FRAME_LIFETIME).toISOString(),
    });
    expect(await challenges.scanned(begun.id, told.frame ?? "")).toMatchObject({
      spec: begun,
      view: { state: "pending", version: 1 },
    });
    // Reading uses nothing up, so that a stranger's look takes it from nobody.
    expect(await isGood(begun.id, told.frame ?? "")).toBe(true);
  });

  test.each(["", "A".repeat(22), "A".repeat(21), `${"A".repeat(22)}=`, "ä".repeat(22), "A".repeat(100_000)])(
    "T96 a value that no screen shows finds nothing (%#)",
    async (value) => {
      const id = await opened();
      const ear = await connect(id);
      expect(await isGood(id, value)).toBe(false);
      await draw(ear);
      expect(await isGood(id, value)).toBe(false);
      expect(await isGood(challenges.fresh(), value)).toBe(false);
    },
  );

  test("T96 a value of another challenge finds nothing", async () => {
    const [one, other] = [await opened(), await opened()];
    const [ear, otherEar] = [await connect(one), await connect(other)];
    const value = await draw(ear);
    expect(await draw(otherEar)).not.toBe(value);
    expect(await isGood(other, value)).toBe(false);
  });

  test("T96 it is good for 30 s and 5 s more, to the millisecond", async () => {
    const id = await opened();
    const value = await draw(await connect(id));
    later(FRAME_LIFETIME + FRAME_GRACE - 1);
    expect(await isGood(id, value)).toBe(true);
    later(1);
    expect(await isGood(id, value)).toBe(false);
  });

  test("T96 the next value ends the one before at once", async () => {
    const id = await opened();
    const ear = await connect(id);
    const first = await draw(ear);
    later(25_000);
    const second = await draw(ear);
    expect(second).not.toBe(first);
    expect([await isGood(id, first), await isGood(id, second)]).toEqual([false, true]);
  });

  test("T96 one live value a challenge: another socket's newer one ends it, and its screen is told so", async () => {
    const id = await opened();
    const [old, silent, young] = [await connect(id), await connect(id), await connect(id)];
    const first = await draw(old);
    const second = await draw(young);
    await until(() => expect(heard(old).at(-1)).toEqual({ type: "qr_over" }), 5);
    expect([await isGood(id, first), await isGood(id, second)]).toEqual([false, true]);
    // A page that never asks hears nothing of it.
    expect(silent.heard).toHaveLength(1);
    // The older screen gets it back by asking anew, once its own pause is over.
    old.socket.send("qr");
    await settleDown(old);
    expect([await isGood(id, first), await isGood(id, second)]).toEqual([false, true]);
    later(FRAME_PAUSE);
    const third = await draw(old);
    expect([await isGood(id, second), await isGood(id, third)]).toEqual([false, true]);
  });

  test("T96 it ends with its socket", async () => {
    const id = await opened();
    const ear = await connect(id);
    const stays = await connect(id);
    const value = await draw(ear);
    ear.socket.close(1000, "bye");
    await until(async () => expect(await isGood(id, value)).toBe(false), 5);
    await settleDown(stays);
  });

  test("T96 a socket that had to make room for newer ones takes its value along", async () => {
    const id = await opened();
    const ear = await connect(id);
    const value = await draw(ear);
    for (let n = 0; n < 16; n++) await connect(id);
    expect((await ear.closed).code).toBe(1013);
    expect(await isGood(id, value)).toBe(false);
  });

  test("T96 it survives hibernation, and nothing of it is stored", async () => {
    const id = await opened();
    const ear = await connect(id);
    const value = await draw(ear);
    const { values, alarm } = await storedIn(id);
    expect(JSON.stringify(values)).not.toContain(value);
    await evictDurableObject(stubOf(id));
    expect(await isGood(id, value)).toBe(true);
    const again = await ask(ear);
    expect(again.frame).toBe(value);
    expect(await storedIn(id)).toEqual({ values, alarm });
    await challenges.apply(id, approve);
    expect((await ear.closed).code).toBe(1000);
  });

  test.each([
    ["approved", approve],
    ["denied", deny],
    ["cancelled", { name: "cancel", by: "test" } as const],
    ["claimed", { name: "claim", deviceId: DEVICE, userId: USER, clientId: CLIENT } as const],
  ])("T96 a challenge that is %s has none", async (state, command) => {
    const id = await opened({ requiresClaim: state === "claimed" });
    const ear = await connect(id);
    const value = await draw(ear);
    expect(await challenges.apply(id, command)).toMatchObject({ ok: true, value: { view: { state } } });
    expect(await isGood(id, value)).toBe(false);
    if (state !== "claimed") return;
    ear.socket.send("qr");
    await settleDown(ear);
    expect(heard(ear).filter(({ type }) => type === "qr")).toHaveLength(1);
  });

  test("T96 time ends it with its challenge, before any alarm", async () => {
    const begun = spec();
    await challenges.open(begun);
    const ear = await connect(begun.id);
    vi.setSystemTime(begun.expiresAt - 1_000);
    const value = await draw(ear);
    expect(await isGood(begun.id, value)).toBe(true);
    vi.setSystemTime(begun.expiresAt);
    expect(await isGood(begun.id, value)).toBe(false);
  });

  test("T96 a socket gets one new value in 5 s; one that floods is closed", async () => {
    const id = await opened();
    const ear = await connect(id);
    const first = await draw(ear);
    later(FRAME_PAUSE - 1);
    expect(await draw(ear)).toBe(first);
    later(1);
    const second = await draw(ear);
    expect(second).not.toBe(first);
    for (let n = 0; n < FRAME_ASKS; n++) ear.socket.send("qr");
    expect(await ear.closed).toEqual({ code: 1008, reason: "asked too often" });
    const told = heard(ear).filter(({ type }) => type === "qr");
    expect(told.map(({ frame }) => frame)).toEqual([
      first,
      first,
      ...Array.from({ length: FRAME_ASKS }, () => second),
    ]);
    expect(await isGood(id, second)).toBe(false);
  });

  test("what else is said is answered by nothing, also where it resembles", async () => {
    const id = await opened();
    const ear = await connect(id);
    for (const said of ["QR", "qr ", '{"type":"qr"}', new TextEncoder().encode("qr")]) ear.socket.send(said);
    await settleDown(ear);
    expect(ear.heard.slice(1)).toEqual(["pong"]);
  });

  test("T54 reading is synchronous", async () => {
    const id = await opened();
    expect(await inside(id, (object) => object.scanned("A".repeat(22)) instanceof Promise)).toBe(false);
  });
});
