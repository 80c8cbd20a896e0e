import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { WaitView } from "../../../src/core/challenge/view.ts";
import type { ChallengeId } from "../../../src/core/ids.ts";
import { hold, type Line } from "../../../src/objects/wait.ts";
import {
  approve,
  CLIENT,
  challenges,
  DEVICE,
  deny,
  draft,
  inside,
  opened,
  redeem,
  redeemed,
  spec,
  stubOf,
  USER,
} from "../support/challenges.ts";
import { frames, listen } from "../support/sockets.ts";
import { until } from "../support/until.ts";

const connect = async (id: ChallengeId, protocol?: string) => listen(await challenges.socket(id, protocol));
const waiters = (id: ChallengeId) => inside(id, (_, ctx) => ctx.getWebSockets().length);
/** Until the wait that was just begun holds its socket. */
const held = (id: ChallengeId, count = 1) => until(async () => expect(await waiters(id)).toBe(count), 5);

afterEach(() => {
  vi.useRealTimers();
});

describe("a socket on a challenge", () => {
  test("hears the view on open, every change, settled last, then close 1000", async () => {
    const begun = spec({ requiresClaim: true });
    await challenges.open(begun);
    const ear = await connect(begun.id);
    await challenges.apply(begun.id, {
      name: "claim",
      deviceId: DEVICE,
      userId: USER,
      clientId: CLIENT,
    });
    await challenges.apply(begun.id, approve);
    expect(await ear.closed).toEqual({ code: 1000, reason: "settled" });
    const snapshot = await challenges.read(begun.id);
    const expiresAt = new Date(begun.expiresAt).toISOString();
    const approved = {
      id: begun.id,
      state: "approved",
      expires_at: new Date(snapshot?.view.expiresAt ?? 0).toISOString(),
    };
    expect(ear.heard.map((frame) => JSON.parse(frame))).toEqual([
      { id: begun.id, state: "pending", expires_at: expiresAt },
      { id: begun.id, state: "claimed", expires_at: expiresAt },
      approved,
      { type: "settled", ...approved },
    ]);
  });

  test("a settled challenge says so on open and closes", async () => {
    const id = await opened();
    await challenges.apply(id, deny);
    const ear = await connect(id);
    expect((await ear.closed).code).toBe(1000);
    expect(ear.heard.map((frame) => JSON.parse(frame))).toMatchObject([
      { state: "denied" },
      { type: "settled", state: "denied" },
    ]);
  });

  test("expiry is read from the clock on open, before any alarm", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const begun = spec();
    await challenges.open(begun);
    vi.setSystemTime(begun.expiresAt);
    const ear = await connect(begun.id);
    await ear.closed;
    expect(JSON.parse(ear.heard.at(-1) ?? "")).toMatchObject({ type: "settled", state: "expired" });
  });

  test("an expiry that only the alarm sees wakes the socket", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const begun = spec();
    await challenges.open(begun);
    const ear = await connect(begun.id);
    vi.setSystemTime(begun.expiresAt);
    await runDurableObjectAlarm(stubOf(begun.id));
    expect((await ear.closed).code).toBe(1000);
    expect(JSON.parse(ear.heard.at(-1) ?? "")).toMatchObject({ type: "settled", state: "expired" });
  });

  test("selects the sub-protocol that the Worker names, and none otherwise", async () => {
    const id = await opened();
    const named = await challenges.socket(id, "countersign.v1");
    expect(named?.status).toBe(101);
    expect(named?.headers.get("Sec-WebSocket-Protocol")).toBe("countersign.v1");
    const bare = await challenges.socket(id, undefined);
    expect(bare?.headers.has("Sec-WebSocket-Protocol")).toBe(false);
  });

  test("ping is answered pong; whatever else is said changes nothing", async () => {
    const id = await opened();
    const ear = await connect(id);
    ear.socket.send("ping");
    await frames(ear, 2);
    expect(ear.heard[1]).toBe("pong");
    ear.socket.send("x".repeat(1_000_000));
    ear.socket.send(new Uint8Array(10));
    ear.socket.send('{"name":"approve"}');
    ear.socket.send("ping");
    await frames(ear, 3);
    expect(ear.heard.slice(1)).toEqual(["pong", "pong"]);
    expect((await challenges.read(id))?.view).toMatchObject({ state: "pending", version: 1 });
  });

  test("T50 two listeners hear that it settled and never a token, a secret or a user", async () => {
    const id = await opened();
    const ears = [await connect(id), await connect(id)];
    await challenges.apply(id, approve);
    await Promise.all(ears.map((ear) => ear.closed));
    const what = draft();
    await challenges.apply(id, redeem("waiter-secret", what));
    const late = await connect(id);
    await late.closed;
    const grant = (await challenges.read(id))?.grant;
    const told = [...ears, late].map((ear) => ear.heard.join("\n"));
    expect(told.every((text) => text.includes('"settled"'))).toBe(true);
    const secrets = [
      USER,
      what.jti,
      what.idJti,
      "waiter-secret",
      grant?.salt ?? "?",
      "hwk",
      "shop",
      "device",
    ];
    for (const text of told) for (const secret of secrets) expect(text).not.toContain(secret);
    const members = [...ears, late].flatMap((ear) =>
      ear.heard.flatMap((frame) => Object.keys(JSON.parse(frame))),
    );
    expect(new Set(members)).toEqual(new Set(["id", "state", "expires_at", "type"]));
  });

  test("T51 sixteen waiters on one challenge; a newer one takes the place of the oldest", async () => {
    const id = await opened();
    const ears = [];
    for (let n = 0; n < 16; n++) ears.push(await connect(id));
    await evictDurableObject(stubOf(id));
    for (let n = 0; n < 3; n++) ears.push(await connect(id));
    const ends = await Promise.all(ears.slice(0, 3).map((ear) => ear.closed));
    expect(ends.map((end) => end.code)).toEqual([1013, 1013, 1013]);
    await challenges.apply(id, approve);
    const codes = await Promise.all(ears.slice(3).map(async (ear) => (await ear.closed).code));
    expect(codes).toEqual(Array.from({ length: 16 }, () => 1000));
    expect(ears[0]?.heard).toHaveLength(1);
  });

  test("a waiter that left takes no seat and does not disturb the others", async () => {
    const id = await opened();
    const gone = await connect(id);
    const stays = await connect(id);
    gone.socket.close(1000, "bye");
    await held(id, 1);
    expect(await challenges.apply(id, approve)).toMatchObject({ ok: true });
    expect((await stays.closed).code).toBe(1000);
  });

  test("T55 a socket that throws on send neither stops the others nor undoes the commit", async () => {
    const id = await opened();
    const ears = [await connect(id), await connect(id), await connect(id)];
    await inside(id, (object, ctx) => {
      const [first] = ctx.getWebSockets();
      const send = vi.spyOn(Object.getPrototypeOf(first), "send").mockImplementationOnce(() => {
        throw new TypeError("dead");
      });
      const answer = object.apply(approve);
      expect(answer).toMatchObject({ ok: true });
      expect(send).toHaveBeenCalledTimes(5);
      send.mockRestore();
    });
    await Promise.all(ears.map((ear) => ear.closed));
    expect(ears.map((ear) => ear.heard.length).toSorted()).toEqual([1, 3, 3]);
    expect((await challenges.read(id))?.view.state).toBe("approved");
  });

  test("T48 evicted in mid-wait: the sockets hibernate and the approval arrives", async () => {
    const id = await opened();
    const ear = await connect(id);
    await evictDurableObject(stubOf(id));
    await challenges.apply(id, approve);
    await ear.closed;
    expect(JSON.parse(ear.heard.at(-1) ?? "")).toMatchObject({ type: "settled", state: "approved" });
  });
});

describe("a long-poll", () => {
  test("an unknown challenge is undefined", async () => {
    expect(await challenges.wait(challenges.fresh(), 1_000)).toBeUndefined();
  });

  test("a settled challenge answers at once, a pending one at the time-out", async () => {
    const id = await redeemed();
    expect(await challenges.wait(id, 60_000)).toMatchObject({ id, state: "redeemed" });
    const pending = spec();
    await challenges.open(pending);
    expect(await challenges.wait(pending.id, 1)).toEqual({
      id: pending.id,
      state: "pending",
      expiresAt: pending.expiresAt,
    });
    await held(pending.id, 0);
  });

  test("answers when the challenge is decided, not when it is claimed", async () => {
    const id = await opened({ requiresClaim: true });
    const waiting = challenges.wait(id, 60_000);
    await held(id);
    await challenges.apply(id, { name: "claim", deviceId: DEVICE, userId: USER, clientId: CLIENT });
    await challenges.apply(id, approve);
    expect(await waiting).toMatchObject({ id, state: "approved" });
    await held(id, 0);
  });

  test("T48 evicted in mid-wait, hibernating: the approval answers the poll", async () => {
    const id = await opened();
    const waiting = challenges.wait(id, 60_000);
    await held(id);
    await evictDurableObject(stubOf(id));
    await challenges.apply(id, approve);
    expect(await waiting).toMatchObject({ state: "approved" });
  });

  test("T48 cut in mid-wait: it comes back on a new socket and loses nothing", async () => {
    const id = await opened();
    const waiting = challenges.wait(id, 60_000);
    await held(id);
    await evictDurableObject(stubOf(id), { webSockets: "close" });
    await held(id);
    await challenges.apply(id, approve);
    expect(await waiting).toMatchObject({ state: "approved" });
  });

  test("T48 cut and decided before it is back: the reread answers", async () => {
    const id = await opened();
    const waiting = challenges.wait(id, 60_000);
    await held(id);
    await inside(id, (object, ctx) => {
      for (const socket of ctx.getWebSockets()) socket.close(1012, "restart");
      object.apply(approve);
    });
    expect(await waiting).toMatchObject({ state: "approved" });
  });

  test("expiry ends the wait before its time-out", async () => {
    const now = Date.now();
    const id = await opened({ createdAt: now, expiresAt: now + 150 });
    expect(await challenges.wait(id, 60_000)).toMatchObject({ id, state: "expired" });
  });
});

describe("the Worker's side of a wait", () => {
  const view = (state: WaitView["state"], expiresAt = Date.now() + 60_000): WaitView => ({
    id: "c".repeat(64) as ChallengeId,
    state,
    expiresAt,
  });
  const frame = ({ id, state, expiresAt }: WaitView) =>
    JSON.stringify({ id, state, expires_at: new Date(expiresAt).toISOString() });

  /** A line whose far ends do what the test says, one after another. */
  function line(reads: readonly (WaitView | undefined)[], ...ends: readonly ((far: WebSocket) => void)[]) {
    const calls = { connects: 0, reads: 0, closes: [] as number[] };
    const far: Line = {
      connect: async () => {
        const { 0: near, 1: server } = new WebSocketPair();
        server.addEventListener("close", ({ code }) => {
          calls.closes.push(code);
        });
        server.accept();
        ends[calls.connects++]?.(server);
        return near;
      },
      read: async () => reads[calls.reads++],
    };
    return { far, calls };
  }

  test("a second cut answers the view: one reconnection, no more", async () => {
    const cut = (far: WebSocket) => {
      far.send(frame(view("pending")));
      far.close(1012, "restart");
    };
    const pending = view("pending");
    const { far, calls } = line([pending, pending], cut, cut, cut);
    expect(await hold(far, 60_000)).toEqual(pending);
    expect(calls).toMatchObject({ connects: 2, reads: 2 });
  });

  test("a waiter that had to make room does not come back to push another out", async () => {
    const { far, calls } = line([view("pending")], (end) => end.close(1013, "newer waiters came"));
    expect(await hold(far, 60_000)).toMatchObject({ state: "pending" });
    expect(calls).toMatchObject({ connects: 1, reads: 1 });
  });

  test("a challenge that has gone meanwhile is undefined", async () => {
    const { far } = line([undefined], (end) => end.close(1012, "restart"));
    expect(await hold(far, 60_000)).toBeUndefined();
  });

  test("past the expiry the object is asked, whatever its last frame said", async () => {
    const { far, calls } = line([view("expired", 0)], (end) =>
      end.send(frame(view("pending", Date.now() + 5))),
    );
    expect(await hold(far, 60_000)).toMatchObject({ state: "expired" });
    expect(calls.reads).toBe(1);
  });

  test("a silent object is asked at the time-out; its socket is closed by the Worker", async () => {
    const { far, calls } = line([view("pending")], () => {});
    expect(await hold(far, 5)).toMatchObject({ state: "pending" });
    await until(() => expect(calls.closes).toEqual([1000]));
  });
});
