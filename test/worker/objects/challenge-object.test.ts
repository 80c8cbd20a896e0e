import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OUT_OF_ATTEMPTS } from "../../../src/core/challenge/cancel.ts";
import type { ChallengeSpec } from "../../../src/core/challenge/state.ts";
import type { ChallengeId, ClientId } from "../../../src/core/ids.ts";
import { MINUTE } from "../../../src/core/time.ts";
import type { ChallengeObject } from "../../../src/objects/challenge-object.ts";
import {
  approve,
  bareDraft,
  CLIENT,
  catchEvents,
  challenges,
  DEVICE,
  deny,
  draft,
  inside,
  opened,
  proof,
  redeem,
  redeemed,
  spec,
  storedIn,
  stubOf,
  USER,
} from "../support/challenges.ts";

const presented = (generation: number, clientId: ClientId = CLIENT) => ({
  generation,
  clientId,
  keyVersion: 1,
});
const stateOf = async (id: ChallengeId) => (await challenges.read(id))?.view.state;
const later = (by: number) => vi.setSystemTime(Date.now() + by);

/** Puts a grant of the user on D1's list. */
const list = (id: string) =>
  env.DB.prepare(
    "insert into grants (user_id, id, client_id, scope, amr, created_at) values (?, ?, ?, 'openid', '[]', 0)",
  )
    .bind(USER, id, CLIENT)
    .run();
const listed = async () =>
  (await env.DB.prepare("select id from grants where user_id = ?").bind(USER).all()).results.map(
    ({ id }) => id,
  );

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("birth", () => {
  test("an opened challenge is pending, on disk as one value, with its alarm", async () => {
    const begun = spec();
    const answer = await challenges.open(begun);
    expect(answer).toMatchObject({
      ok: true,
      value: { view: { state: "pending", version: 1 }, listed: false },
    });
    const { values, alarm } = await storedIn(begun.id);
    expect(values).toEqual([
      { schema: 1, listed: false, challenge: expect.objectContaining({ spec: begun, version: 1 }) },
    ]);
    expect(alarm).toBe(begun.createdAt + MINUTE);
  });

  test("an occupied object refuses a second start and keeps the first", async () => {
    const first = spec();
    await challenges.open(first);
    const second = { ...first, nonce: "another" };
    expect(await challenges.open(second)).toMatchObject({ ok: false, error: { code: "occupied" } });
    const settled = await challenges.openSettled(second, proof(), { waiterProof: "w", draft: draft() });
    expect(settled).toMatchObject({ ok: false, error: { code: "occupied" } });
    expect((await challenges.read(first.id))?.spec.nonce).toBe(first.nonce);
  });

  test("an unknown object reads as undefined, refuses commands and stores nothing", async () => {
    const id = challenges.fresh();
    expect(await challenges.read(id)).toBeUndefined();
    expect(await challenges.apply(id, approve)).toMatchObject({
      ok: false,
      error: { code: "unknown_challenge" },
    });
    expect(await challenges.refresh(id, presented(1))).toMatchObject({ error: { code: "unknown_grant" } });
    expect(await challenges.revoke(id, "admin")).toBeUndefined();
    await challenges.markListed(id);
    expect(await challenges.socket(id, undefined)).toBeUndefined();
    expect(await storedIn(id)).toEqual({ values: [], alarm: null });
  });

  test("a flow without a wait opens, approves and redeems in one write", async () => {
    const begun = spec();
    const puts = await inside(begun.id, (object, { storage }) => {
      const put = vi.spyOn(Object.getPrototypeOf(storage.kv), "put");
      const answer = object.openSettled(begun, proof(), { waiterProof: "w", draft: draft() });
      expect(answer).toMatchObject({ ok: true, value: { changed: true, view: { state: "redeemed" } } });
      const count = put.mock.calls.length;
      put.mockRestore();
      return count;
    });
    expect(puts).toBe(1);
    const snapshot = await challenges.read(begun.id);
    expect(snapshot?.grant).toMatchObject({ id: begun.id, userId: USER, deviceId: DEVICE, generation: 1 });
    expect(snapshot?.timeline.map((step) => step.what)).toEqual(["started", "approved", "redeemed"]);
  });

  test("a flow without a wait that is refused leaves nothing behind", async () => {
    const begun = spec();
    const answer = await challenges.openSettled(begun, proof("deny"), { waiterProof: "w", draft: draft() });
    expect(answer).toMatchObject({ ok: false, error: { code: "bad_signature" } });
    expect(await storedIn(begun.id)).toEqual({ values: [], alarm: null });
  });

  test("what a newer Worker stored beside the known members is carried along", async () => {
    const id = await opened();
    await inside(id, (_, { storage }) => {
      const [[key, value]] = [...storage.kv.list<object>()] as [[string, { challenge: object }]];
      storage.kv.put(key, { ...value, later: 1, challenge: { ...value.challenge, later: 2 } });
    });
    await evictDurableObject(stubOf(id));
    await challenges.apply(id, approve);
    const { values } = await storedIn(id);
    expect(values).toMatchObject([{ later: 1, challenge: { later: 2, phase: { name: "approved" } } }]);
  });
});

describe("one decision", () => {
  test("T28 race: approvals and denials mixed, one winner, the others are told who won", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await opened();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => challenges.apply(id, (n + round) % 3 === 0 ? deny : approve)),
      );
      const won = answers.filter((answer) => answer.ok);
      expect(won).toHaveLength(1);
      const state = await stateOf(id);
      const winner = state === "approved" ? "approve" : "deny";
      const lost = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
      expect(lost).toEqual(Array.from({ length: 19 }, () => ({ code: "already_decided", winner })));
      expect((await challenges.read(id))?.view.version).toBe(2);
    }
  });

  test("T54 nothing asynchronous between read and write: commands answer synchronously", async () => {
    const id = await redeemed();
    const pending = await opened();
    const call = (at: ChallengeId, work: (object: ChallengeObject) => unknown) =>
      inside(at, (object) => work(object) instanceof Promise);
    const other = spec();
    const settled = spec();
    expect([
      await call(other.id, (object) => object.open(other)),
      await call(settled.id, (object) =>
        object.openSettled(settled, proof(), { waiterProof: "w", draft: draft() }),
      ),
      await call(pending, (object) => object.apply(approve)),
      await call(pending, (object) => object.read()),
      await call(id, (object) => object.refresh(presented(1))),
      await call(id, (object) => object.markListed()),
      await call(id, (object) => object.revoke("admin")),
    ]).toEqual(Array.from({ length: 7 }, () => false));
  });

  test("T54 race: two opposite decisions at once, one is stored and no third version appears", async () => {
    const id = await opened();
    const [first, second] = await Promise.all([challenges.apply(id, approve), challenges.apply(id, deny)]);
    expect([first.ok, second.ok].filter(Boolean)).toHaveLength(1);
    const { values } = await storedIn(id);
    expect(values).toMatchObject([{ challenge: { version: 2 } }]);
  });
});

describe("redeeming", () => {
  const race = async (id: ChallengeId) =>
    Promise.all(Array.from({ length: 50 }, () => challenges.apply(id, redeem())));

  test("T45 race: fifty redemptions with the replay window off, one winner and the grant lives", async () => {
    const id = await opened({ replayWindow: 0 });
    await challenges.apply(id, approve);
    const answers = await race(id);
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
    expect(refusals).toEqual(Array.from({ length: 49 }, () => ({ code: "redeemed", grantDies: false })));
    expect((await challenges.read(id))?.grant?.ended).toBeUndefined();
  });

  test("T45 race: fifty redemptions with the same proof inside the window, one set of facts", async () => {
    const id = await opened();
    await challenges.apply(id, approve);
    const answers = await race(id);
    const facts = answers.map(
      (answer) => answer.ok && JSON.stringify([answer.value.facts, answer.value.grant]),
    );
    expect(new Set(facts).size).toBe(1);
    expect(facts[0]).toContain("jti");
    expect(answers.filter((answer) => answer.ok && answer.value.changed)).toHaveLength(1);
    expect((await challenges.read(id))?.grant?.ended).toBeUndefined();
  });

  test("T45 another proof is refused and the grant dies in the same step", async () => {
    const id = await redeemed();
    const answer = await challenges.apply(id, redeem("another"));
    expect(answer).toMatchObject({ ok: false, error: { code: "redeemed", grantDies: true } });
    await evictDurableObject(stubOf(id));
    expect((await challenges.read(id))?.grant?.ended).toMatchObject({ reason: "redeemed_by_another" });
    expect(await challenges.refresh(id, presented(1))).toMatchObject({ error: { code: "grant_ended" } });
  });

  test("T47 a lost answer is repeated with the same facts inside the window, and refused after it", async () => {
    const id = await opened();
    await challenges.apply(id, approve);
    const first = await challenges.apply(id, redeem());
    await evictDurableObject(stubOf(id));
    later(29_999);
    const again = await challenges.apply(id, redeem());
    expect(first.ok && again.ok && again.value.changed).toBe(false);
    expect(again.ok && again.value.facts).toEqual(first.ok && first.value.facts);
    expect(again.ok && again.value.grant).toEqual(first.ok && first.value.grant);
    expect(again.ok && again.value.facts?.jti).toBeTypeOf("string");
    later(1);
    expect(await challenges.apply(id, redeem())).toMatchObject({
      error: { code: "redeemed", grantDies: false },
    });
    expect((await challenges.read(id))?.grant?.ended).toBeUndefined();
  });
});

describe("time", () => {
  test.each([
    [-1, "approved"],
    [0, "expired"],
    [1, "expired"],
  ])("T52 an approval %i ms from the expiry, by the object's clock: %s", async (offset, state) => {
    const begun = spec();
    await challenges.open(begun);
    vi.setSystemTime(begun.expiresAt + offset);
    const answer = await challenges.apply(begun.id, approve);
    expect(answer.ok ? answer.value.view.state : answer.error.code).toBe(state);
    expect(await stateOf(begun.id)).toBe(state);
  });

  test("T52 expired is final however late the alarm is, and an approval has its own short end", async () => {
    const begun = spec();
    await challenges.open(begun);
    vi.setSystemTime(begun.expiresAt + 60 * MINUTE);
    expect(await challenges.apply(begun.id, approve)).toMatchObject({ error: { code: "expired" } });
    expect(await stateOf(begun.id)).toBe("expired");
    const id = await opened({ redeemWindow: 1_000 });
    await challenges.apply(id, approve);
    later(1_000);
    expect(await challenges.apply(id, redeem())).toMatchObject({ error: { code: "expired" } });
  });

  test("T53 the alarm three times at expiry: one expiry, one audit message, then silence", async () => {
    const begun = spec();
    await challenges.open(begun);
    const sent = await catchEvents(begun.id);
    vi.setSystemTime(begun.expiresAt);
    for (let times = 0; times < 3; times++) expect(await runDurableObjectAlarm(stubOf(begun.id))).toBe(true);
    expect(sent).toMatchObject([
      {
        kind: "audit",
        events: [{ type: "sign_in.expired", at: begun.expiresAt, actor: "system", userId: USER }],
      },
    ]);
    expect((await challenges.read(begun.id))?.view).toMatchObject({ state: "expired", version: 2 });
    expect((await storedIn(begun.id)).alarm).toBe(begun.expiresAt + 10 * MINUTE);
  });

  test.each([
    ["nothing", 0],
    ["browser", 0],
    ["secret", 1],
    [undefined, 1],
  ] as const)("S12 what expires unanswered and was begun with %s leaves %i rows", async (brought, rows) => {
    const begun = spec(brought === undefined ? {} : { brought });
    await challenges.open(begun);
    const sent = await catchEvents(begun.id);
    vi.setSystemTime(begun.expiresAt);
    await runDurableObjectAlarm(stubOf(begun.id));
    expect(sent).toHaveLength(rows);
    // It is forgotten in its time all the same.
    later(10 * MINUTE);
    await runDurableObjectAlarm(stubOf(begun.id));
    expect(await storedIn(begun.id)).toEqual({ values: [], alarm: null });
  });

  test("S12 what a stranger began and somebody answered is on record, whatever became of it", async () => {
    const approved = spec({ brought: "nothing" });
    const claimed = spec({ brought: "nothing", requiresClaim: true });
    const denied = spec({ brought: "nothing" });
    const stopped = spec({ brought: "nothing" });
    const guessed = spec({ brought: "nothing" });
    const all = [approved, claimed, denied, stopped, guessed];
    for (const begun of all) await challenges.open(begun);
    await challenges.apply(approved.id, approve);
    const claim = { name: "claim", deviceId: DEVICE, userId: USER, clientId: CLIENT, enrolledAt: 0 } as const;
    expect(await challenges.apply(claimed.id, claim)).toMatchObject({ ok: true });
    await challenges.apply(denied.id, deny);
    await challenges.apply(stopped.id, { name: "cancel", by: "identifier:1" });
    await challenges.apply(guessed.id, { name: "cancel", by: OUT_OF_ATTEMPTS });
    const sent = await Promise.all(all.map(({ id }) => catchEvents(id)));
    vi.setSystemTime(approved.expiresAt + MINUTE);
    for (const { id } of all) await runDurableObjectAlarm(stubOf(id));
    expect(sent.map((messages) => messages.length)).toEqual([1, 1, 1, 1, 0]);
  });

  test("T53 the alarm ten minutes late, three times: the state was right all along and is told once", async () => {
    const begun = spec();
    await challenges.open(begun);
    const sent = await catchEvents(begun.id);
    vi.setSystemTime(begun.expiresAt + 10 * MINUTE);
    expect(await stateOf(begun.id)).toBe("expired");
    await runDurableObjectAlarm(stubOf(begun.id));
    await inside(begun.id, async (object) => {
      await object.alarm();
      await object.alarm();
    });
    expect(sent).toHaveLength(1);
    expect(await storedIn(begun.id)).toEqual({ values: [], alarm: null });
  });

  test("an alarm before the end changes nothing and rings again at the end", async () => {
    const begun = spec();
    await challenges.open(begun);
    const sent = await catchEvents(begun.id);
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(begun.id));
    expect(sent).toEqual([]);
    expect((await storedIn(begun.id)).alarm).toBe(begun.expiresAt);
    vi.setSystemTime(begun.expiresAt - 1);
    await challenges.apply(begun.id, approve);
    vi.setSystemTime(begun.expiresAt);
    await runDurableObjectAlarm(stubOf(begun.id));
    const redeemBy = (await challenges.read(begun.id))?.view.expiresAt;
    expect(redeemBy).toBe(begun.expiresAt - 1 + begun.redeemWindow);
    expect((await storedIn(begun.id)).alarm).toBe(redeemBy);
  });

  test.each([0, 1, 5, 999, 60_000, -1, -5_000])("T108 a lifetime of %i ms", async (lifetime) => {
    const now = Date.now();
    const begun: ChallengeSpec = spec({ createdAt: now, expiresAt: now + lifetime });
    expect(await challenges.open(begun)).toMatchObject({ ok: true });
    vi.setSystemTime(Math.max(now, now + lifetime));
    const answer = await challenges.apply(begun.id, approve);
    expect(answer).toMatchObject({ ok: false, error: { code: "expired" } });
    expect(await stateOf(begun.id)).toBe("expired");
  });
});

describe("the broom", () => {
  test("an unlisted grant is listed through the queue once, a listed one is not", async () => {
    const id = await redeemed();
    const sent = await catchEvents(id);
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toMatchObject([
      {
        kind: "list_grant",
        grant: { id, userId: USER, clientId: CLIENT, deviceId: DEVICE, amr: ["hwk"] },
        event: { type: "sign_in.redeemed", actor: `client:${CLIENT}`, deviceId: DEVICE, ip: "192.0.2.1" },
      },
    ]);
    // Not listed before D1 has taken it: until then each refresh asks.
    expect((await challenges.read(id))?.listed).toBe(false);

    const known = await redeemed();
    await challenges.markListed(known);
    const silent = await catchEvents(known);
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(known));
    expect(silent).toEqual([]);
  });

  test("who is told that D1 has heard moves the first alarm to the next moment, once and in one commit", async () => {
    const id = await redeemed();
    expect((await storedIn(id)).alarm).toBe(Date.now() + MINUTE);
    await challenges.markListed(id);
    const grant = (await challenges.read(id))?.grant;
    expect((await storedIn(id)).alarm).toBe(grant?.expiresAt);
    const denied = await opened();
    await challenges.apply(denied, deny);
    await challenges.markListed(denied);
    expect((await storedIn(denied)).alarm).toBe(Date.now() + 10 * MINUTE);
  });

  test("what the queue has brought to D1 leaves the alarm where it is", async () => {
    const id = await redeemed();
    await catchEvents(id);
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    const { alarm } = await storedIn(id);
    const moved = await inside(id, (object, { storage }) => {
      const setAlarm = vi.spyOn(Object.getPrototypeOf(storage), "setAlarm");
      object.markListed();
      const { length } = setAlarm.mock.calls;
      setAlarm.mockRestore();
      return length;
    });
    expect([moved, (await storedIn(id)).alarm, (await challenges.read(id))?.listed]).toEqual([
      0,
      alarm,
      true,
    ]);
  });

  test("a redemption without a grant, unlisted, becomes an audit row", async () => {
    const id = await redeemed({}, bareDraft());
    const sent = await catchEvents(id);
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toMatchObject([{ kind: "audit", events: [{ type: "sign_in.redeemed" }] }]);
  });

  test("a failing queue is tried again by a later alarm, and nothing is marked meanwhile", async () => {
    const id = await redeemed();
    let down = true;
    const sent = await catchEvents(id, async () => {
      if (down) throw new Error("queue unavailable");
    });
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toEqual([]);
    expect((await challenges.read(id))?.listed).toBe(false);
    expect((await storedIn(id)).alarm).toBe(Date.now() + MINUTE);
    down = false;
    await runDurableObjectAlarm(stubOf(id));
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toHaveLength(1);
  });

  test("ten minutes after the end nothing is left: no value, no alarm, no table of its own", async () => {
    const id = await opened();
    await challenges.apply(id, deny);
    await challenges.markListed(id);
    later(10 * MINUTE - 1);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stateOf(id)).toBe("denied");
    later(1);
    await runDurableObjectAlarm(stubOf(id));
    expect(await storedIn(id)).toEqual({ values: [], alarm: null });
    const tables = await inside(id, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
    expect(await challenges.read(id)).toBeUndefined();
  });

  test("a long replay window is kept for", async () => {
    const id = await redeemed({ replayWindow: 60 * MINUTE }, bareDraft());
    await challenges.markListed(id);
    later(59 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(await challenges.apply(id, redeem())).toMatchObject({ ok: true, value: { changed: false } });
  });

  test("a live grant outlives its challenge; when it ends D1 is told and nothing is left", async () => {
    const id = await redeemed();
    await challenges.markListed(id);
    const sent = await catchEvents(id);
    later(20 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    const grant = (await challenges.read(id))?.grant;
    expect((await storedIn(id)).alarm).toBe(grant?.expiresAt);
    await challenges.refresh(id, presented(1));
    vi.setSystemTime(grant?.expiresAt ?? 0);
    await runDurableObjectAlarm(stubOf(id));
    const renewed = (await challenges.read(id))?.grant?.expiresAt ?? 0;
    expect(renewed).toBeGreaterThan(grant?.expiresAt ?? 0);
    expect(sent).toEqual([]);
    await list(id);
    await list("another");
    vi.setSystemTime(renewed);
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toEqual([]);
    expect(await listed()).toEqual(["another"]);
    expect(await storedIn(id)).toEqual({ values: [], alarm: null });
  });

  test("while D1 cannot be told of a grant's end, the object keeps it and looks again in a minute", async () => {
    const id = await redeemed();
    await challenges.markListed(id);
    await list(id);
    const kept = await storedIn(id);
    later(Number(kept.alarm) - Date.now());
    const batch = vi.spyOn(Object.getPrototypeOf(env.DB), "batch").mockRejectedValue(new Error("D1_ERROR"));
    await runDurableObjectAlarm(stubOf(id));
    batch.mockRestore();
    expect(await listed()).toContain(id);
    expect(await storedIn(id)).toEqual({ ...kept, alarm: Date.now() + MINUTE });
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(await listed()).not.toContain(id);
    expect(await storedIn(id)).toEqual({ values: [], alarm: null });
  });

  test("a grant that is revoked unlisted is put on record but never on the list", async () => {
    const id = await redeemed();
    const sent = await catchEvents(id);
    expect(await challenges.revoke(id, "admin")).toMatchObject({ id, ended: { reason: "admin" } });
    expect(await challenges.revoke(id, "again")).toBeUndefined();
    later(MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toMatchObject([{ kind: "audit", events: [{ type: "sign_in.redeemed" }] }]);
    later(10 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(sent).toHaveLength(1);
    expect(await listed()).not.toContain(id);
    expect(await storedIn(id)).toEqual({ values: [], alarm: null });
  });

  test("revoking moves the alarm to ten minutes after", async () => {
    const id = await redeemed();
    await challenges.markListed(id);
    later(20 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    await challenges.revoke(id, "user");
    expect((await storedIn(id)).alarm).toBe(Date.now() + 10 * MINUTE);
  });
});

describe("half states", () => {
  const broken = () => {
    throw new Error("disk");
  };
  const stateIn = (object: ChallengeObject) => object.read()?.view.state;

  test("T55 a write that throws changes neither disk nor memory", async () => {
    const id = await opened();
    await inside(id, (object, { storage }) => {
      const put = vi.spyOn(Object.getPrototypeOf(storage.kv), "put").mockImplementation(broken);
      expect(() => object.apply(approve)).toThrow("disk");
      put.mockRestore();
      expect(stateIn(object)).toBe("pending");
    });
    await evictDurableObject(stubOf(id));
    expect(await stateOf(id)).toBe("pending");
    expect(await challenges.apply(id, approve)).toMatchObject({ ok: true, value: { changed: true } });
  });

  test("T55 an exception after the put undoes the put", async () => {
    const id = await redeemed();
    const unborn = spec();
    await inside(id, (object, { storage }) => {
      const alarm = vi.spyOn(Object.getPrototypeOf(storage), "setAlarm").mockImplementation(broken);
      expect(() => object.revoke("admin")).toThrow("disk");
      alarm.mockRestore();
      expect(object.read()?.grant?.ended).toBeUndefined();
    });
    await inside(unborn.id, (object, { storage }) => {
      const alarm = vi.spyOn(Object.getPrototypeOf(storage), "setAlarm").mockImplementation(broken);
      expect(() => object.open(unborn)).toThrow("disk");
      alarm.mockRestore();
    });
    await evictDurableObject(stubOf(id));
    expect((await challenges.read(id))?.grant?.ended).toBeUndefined();
    expect(await storedIn(unborn.id)).toEqual({ values: [], alarm: null });
  });
});

describe("the grant", () => {
  const alive = async (id: ChallengeId) => (await challenges.read(id))?.grant?.ended === undefined;

  test("T84 the previous token after the grace ends the grant, the current one included", async () => {
    const id = await redeemed();
    await challenges.refresh(id, presented(1));
    later(30_000);
    expect(await challenges.refresh(id, presented(1))).toMatchObject({ error: { code: "refresh_reused" } });
    await evictDurableObject(stubOf(id));
    expect(await challenges.refresh(id, presented(2))).toMatchObject({ error: { code: "grant_ended" } });
    expect((await challenges.read(id))?.grant?.ended).toMatchObject({ reason: "refresh_reused" });
  });

  test("T85 race: twenty refreshes with one token all get the same next one, and the grant lives", async () => {
    const id = await redeemed();
    const answers = await Promise.all(Array.from({ length: 20 }, () => challenges.refresh(id, presented(1))));
    expect(answers.map((answer) => answer.ok && answer.value.generation)).toEqual(
      Array.from({ length: 20 }, () => 2),
    );
    expect(await alive(id)).toBe(true);
    expect((await challenges.read(id))?.grant?.generation).toBe(2);
  });

  test("T86 a repeat inside the grace gets the current token again, never the old one", async () => {
    const id = await redeemed();
    const first = await challenges.refresh(id, presented(1));
    later(29_999);
    const again = await challenges.refresh(id, presented(1));
    expect(again).toEqual(first);
    expect(again).toMatchObject({ ok: true, value: { generation: 2 } });
    expect(await alive(id)).toBe(true);
  });

  test("another client's use of the token ends the grant", async () => {
    const id = await redeemed();
    const answer = await challenges.refresh(id, presented(1, "bank" as ClientId));
    expect(answer).toMatchObject({ error: { code: "refresh_reused" } });
    expect(await alive(id)).toBe(false);
  });
});
