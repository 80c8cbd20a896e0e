import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChallengeId, ClientId, DeviceId, SubjectKey, UserId } from "../../../src/core/ids.ts";
import { clientSubject, identifierSubject, MAIN, userSubject } from "../../../src/core/ids.ts";
import type { PromptRequest } from "../../../src/core/inbox/prompts.ts";
import type { SignUp } from "../../../src/core/inbox/state.ts";
import { DAY, MINUTE } from "../../../src/core/time.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";
import type { InboxObject } from "../../../src/objects/inbox-object.ts";
import { makeInboxes } from "../../../src/objects/inboxes.ts";
import { challenges, DEVICE } from "../support/challenges.ts";
import { namespaces } from "../support/namespaces.ts";
import { frames, listen } from "../support/sockets.ts";

const PHONE = { key: "phone" };
const HELD = { kind: "proof", key: "phone" } as const;

const inboxes = makeInboxes(namespaces.INBOXES);
const somebody = (): SubjectKey => userSubject(crypto.randomUUID() as UserId);
const stubOf = (who: SubjectKey) => namespaces.INBOXES.get(namespaces.INBOXES.idFromName(who));
const inside = <T>(who: SubjectKey, work: (object: InboxObject, ctx: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject<InboxObject, T>(stubOf(who), work);
const storedIn = (who: SubjectKey) =>
  inside(who, async (_, { storage }) => ({
    values: [...storage.kv.list()].map(([, value]) => value),
    alarm: await storage.getAlarm(),
  }));
/** How often the object writes while `work` runs in it. */
const writes = (who: SubjectKey, work: (object: InboxObject) => unknown) =>
  inside(who, (object, { storage }) => {
    const put = vi.spyOn(Object.getPrototypeOf(storage.kv), "put");
    work(object);
    const count = put.mock.calls.length;
    put.mockRestore();
    return count;
  });
const OTP = [{ kind: "otp", limit: 5, window: DAY }];
const later = (by: number) => vi.setSystemTime(Date.now() + by);

const signUp = (): SignUp => ({
  realm: MAIN,
  clientId: "shop" as ClientId,
  identifiers: [readIdentifier("typed@example.com")!],
  at: Date.now(),
});

let drawn = 0;
const request = (over: Partial<PromptRequest> = {}): PromptRequest => ({
  challengeId: challenges.fresh(),
  door: "oauth",
  clientId: `client-${drawn++}` as ClientId,
  clientName: "Shop",
  caller: { brought: "secret" },
  purpose: "sign_in",
  bindingMessage: "blue elephant",
  demands: { matchCode: false, claim: false, unlock: false },
  origin: { ip: "192.0.2.1" },
  context: {},
  respondNumber: ++drawn,
  startedAt: Date.now(),
  expiresAt: Date.now() + 200_000,
  ...over,
});
const answer = (challengeId: ChallengeId, decision: "approve" | "deny" = "approve") => ({
  challengeId,
  decision,
  digest: crypto.randomUUID(),
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("prompts", () => {
  test("a listed prompt is seen, found by both its names, and survives an eviction", async () => {
    const who = somebody();
    const { bindingMessage: _message, ...asked } = request();
    const listed = await inboxes.list(who, asked);
    expect(listed).toMatchObject({ outcome: "listed" });
    await evictDurableObject(stubOf(who));
    expect((await inboxes.view(who)).prompts).toMatchObject([{ challengeId: asked.challengeId }]);
    expect(await inboxes.find(who, asked.challengeId)).toMatchObject({ respondNumber: asked.respondNumber });
    expect(await inboxes.find(who, challenges.fresh())).toBeUndefined();
    const named = (number: number) => ({
      number,
      app: { clientId: asked.clientId },
      second: String(listed.signingSecond),
      unsaid: [],
      kinds: [{ context: {} }],
    });
    const { challengeId: _, ...word } = answer(asked.challengeId);
    expect(await inboxes.settle(who, { ...word, named: named(asked.respondNumber + 1_000_000) })).toEqual({
      ok: false,
      error: { code: "unknown_challenge" },
    });
    expect(await inboxes.settle(who, { ...word, named: named(asked.respondNumber) })).toMatchObject({
      ok: true,
      value: { challengeId: asked.challengeId },
    });
  });

  test("T01 race: twenty starts at once, five prompts a minute for the user, over all clients", async () => {
    const who = somebody();
    const answers = await Promise.all(Array.from({ length: 20 }, () => inboxes.list(who, request())));
    expect(answers.filter((listed) => listed.outcome === "listed")).toHaveLength(5);
    expect((await inboxes.view(who)).blocked.count).toBe(15);
    later(MINUTE);
    expect(await inboxes.list(who, request())).toMatchObject({ outcome: "listed" });
  });

  test("T02 three denials silence who asked for ten minutes, and nobody else, and the inbox says so", async () => {
    const who = somebody();
    const by = { clientId: "denied" as ClientId, caller: { brought: "nothing" } } as const;
    for (let n = 0; n < 3; n++) {
      const asked = request(by);
      await inboxes.list(who, asked);
      await inboxes.settle(who, answer(asked.challengeId, "deny"));
    }
    expect(await inboxes.list(who, request(by))).toMatchObject({ outcome: "suppressed", reason: "silenced" });
    const { prompts, silences } = await inboxes.view(who);
    expect(prompts).toEqual([]);
    expect(silences).toEqual([{ ...by, until: Date.now() + 10 * MINUTE }]);
    expect(await inboxes.list(who, request({ ...by, caller: { brought: "secret" } }))).toMatchObject({
      outcome: "listed",
    });
    later(10 * MINUTE);
    expect((await inboxes.view(who)).silences).toEqual([]);
    expect(await inboxes.list(who, request(by))).toMatchObject({ outcome: "listed" });
  });

  test("one live prompt per client: the newest wins and the older one is refused", async () => {
    const who = somebody();
    const first = request();
    const second = request({ clientId: first.clientId });
    await inboxes.list(who, first);
    expect(await inboxes.list(who, second)).toMatchObject({ superseded: first.challengeId });
    expect(await inboxes.settle(who, answer(first.challengeId))).toMatchObject({
      error: { code: "superseded" },
    });
    expect((await inboxes.view(who)).prompts).toHaveLength(1);
  });

  test("race: one signing input settles one of twenty prompts, the others are replays", async () => {
    const who = somebody();
    const asked = [request(), request(), request(), request(), request()];
    for (const one of asked) await inboxes.list(who, one);
    const digest = "one and the same";
    const answers = await Promise.all(
      asked.map((one) => inboxes.settle(who, { ...answer(one.challengeId), digest })),
    );
    expect(answers.filter((settled) => settled.ok)).toHaveLength(1);
    const refused = answers.flatMap((settled) => (settled.ok ? [] : [settled.error.code]));
    expect(refused).toEqual(["replayed", "replayed", "replayed", "replayed"]);
  });

  test("a withdrawn prompt is gone from the list and can not be answered", async () => {
    const who = somebody();
    const asked = request();
    await inboxes.list(who, asked);
    await inboxes.withdraw(who, asked.challengeId);
    expect((await inboxes.view(who)).prompts).toEqual([]);
    expect(await inboxes.settle(who, answer(asked.challengeId))).toMatchObject({
      error: { code: "cancelled" },
    });
  });
});

describe("counting and remembering", () => {
  test("a signing input is spent for one use only, until it is unspent or forgotten", async () => {
    const who = somebody();
    expect(await inboxes.spend(who, "digest", "enrol")).toBe(true);
    expect(await inboxes.spend(who, "digest", "enrol")).toBe(true);
    expect(await inboxes.spend(who, "digest", "remove")).toBe(false);
    await inboxes.unspend(who, "digest");
    expect(await inboxes.spend(who, "digest", "remove")).toBe(true);
    later(20 * MINUTE);
    expect(await inboxes.spend(who, "digest", "enrol")).toBe(true);
  });

  test("a full memory refuses new inputs and still knows the old ones", async () => {
    const who = somebody();
    await inside(who, (object) => {
      for (let n = 0; n < 400; n++) object.spend(who, `digest-${n}`, "use");
    });
    expect(await inboxes.spend(who, "one more", "use")).toBe(false);
    expect(await inboxes.spend(who, "digest-7", "use")).toBe(true);
    expect(await inboxes.spend(who, "digest-7", "another")).toBe(false);
    later(20 * MINUTE);
    expect(await inboxes.spend(who, "one more", "use")).toBe(true);
  });

  test("race: the enrolment window is taken once, by its own caller, and can be given back", async () => {
    const who = somebody();
    await inboxes.openEnrolment(who, PHONE, "weur");
    expect((await inboxes.takeEnrolment(who, { kind: "proof", key: "stranger" }, "key")).taken).toBe(false);
    const takers = await Promise.all(
      Array.from({ length: 20 }, (_, key) => inboxes.takeEnrolment(who, HELD, `${key}`)),
    );
    const taken = takers.filter((one) => one.taken);
    expect(taken).toHaveLength(1);
    const attempt = String(takers.findIndex((one) => one.taken));
    await inboxes.restoreEnrolment(who, attempt, taken[0]?.until ?? 0);
    expect((await inboxes.takeEnrolment(who, HELD, "key")).taken).toBe(true);
    await inboxes.openEnrolment(who, PHONE, "nowhere");
    expect((await inboxes.takeEnrolment(who, HELD, "another key")).taken).toBe(false);
    expect((await inboxes.takeEnrolment(who, HELD, "key")).taken).toBe(true);
    await inboxes.noteDevice(who);
    expect((await inboxes.takeEnrolment(who, HELD, "key")).taken).toBe(false);
  });

  test("who has had a device gets no window", async () => {
    const who = somebody();
    await inboxes.openEnrolment(who, PHONE);
    await inboxes.noteDevice(who);
    expect((await inboxes.takeEnrolment(who, HELD, "key")).taken).toBe(false);
  });

  test("T63 race: a hundred guesses at once, five allowed; one that is given back frees its own place", async () => {
    const who = somebody();
    const guesser = { kind: "stranger" } as const;
    const take = (mark: string) => inboxes.takeGuess(who, { guesser, mark });
    const allowed = await Promise.all(Array.from({ length: 100 }, (_, n) => take(`mark ${n}`)));
    expect(allowed.filter((taken) => taken.allowed)).toHaveLength(5);
    await inboxes.returnGuess(who, { guesser, mark: "mark 0" });
    expect(await take("another")).toMatchObject({ allowed: true });
    expect(await take("one more")).toMatchObject({ allowed: false });
  });

  test("T154 starts about one user are bounded in front of the client's own limit, and cost no write", async () => {
    const who = clientSubject("about" as ClientId);
    const about = { key: "ada", network: "stranger" };
    const answers = [];
    for (let n = 0; n < 8; n++) answers.push(await inboxes.countStart(who, 300, about));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(5);
    expect(answers.at(-1)).toMatchObject({ scope: "person", retryAt: Date.now() + MINUTE });
    expect(await inboxes.countStart(who, 300, { key: "ada", network: "home" })).toMatchObject({
      allowed: true,
    });
    expect(await inboxes.countStart(who, 300)).toMatchObject({ allowed: true });
    const used = await writes(who, (object) => {
      for (let n = 0; n < 20; n++) object.countStart(who, 300, about);
    });
    expect(used).toBe(0);
  });

  test("starts: never more than the limit a minute, also when the object forgets in between", async () => {
    const who = clientSubject("counting" as ClientId);
    let allowed = 0;
    for (let n = 0; n < 400; n++) {
      if (n % 37 === 36) await evictDurableObject(stubOf(who));
      if ((await inboxes.countStart(who, 300)).allowed) allowed += 1;
    }
    expect(allowed).toBeGreaterThan(150);
    expect(allowed).toBeLessThanOrEqual(300);
    const { allowed: more, retryAt } = await inboxes.countStart(who, 300);
    expect(more).toBe(false);
    vi.setSystemTime(retryAt);
    expect((await inboxes.countStart(who, 300)).allowed).toBe(true);
  });

  test("starts in one life: exactly the limit, for one write per block", async () => {
    const who = clientSubject("blocks" as ClientId);
    let allowed = 0;
    const count = await writes(who, (object) => {
      for (let n = 0; n < 400; n++) if (object.countStart(who, 300).allowed) allowed += 1;
    });
    expect(allowed).toBe(300);
    expect(count).toBe(20);
  });

  test("starts: one that is given back may be taken again, in its own window only", async () => {
    const who = clientSubject("returning" as ClientId);
    const { retryAt } = await inboxes.countStart(who, 2);
    await inboxes.countStart(who, 2);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(false);
    await inboxes.returnStart(who, retryAt - 1);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(false);
    await inboxes.returnStart(who, retryAt);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(true);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(false);
    vi.setSystemTime(retryAt);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(true);
    await inboxes.returnStart(who, retryAt);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(true);
    expect((await inboxes.countStart(who, 2)).allowed).toBe(false);
  });

  test("a step that changes nothing writes nothing", async () => {
    const who = somebody();
    await inboxes.noteDevice(who);
    const count = await writes(who, (object) => {
      object.view(who);
      object.find(who, challenges.fresh());
      object.noteDevice(who);
      object.openEnrolment(who, PHONE);
      object.takeEnrolment(who, HELD, "key");
      object.withdraw(who, challenges.fresh());
      object.settle(who, answer(challenges.fresh()));
      object.unspend(who, "never spent");
      object.returnGuess(who, { guesser: { kind: "stranger" }, mark: "never guessed" });
      object.forgiveGuesses(who, { kind: "stranger" });
      object.uncount(who, ["never counted"]);
    });
    expect(count).toBe(0);
    expect(await writes(who, (object) => object.list(who, request()))).toBe(1);
  });

  test("an exception in a write leaves disk and memory as they were", async () => {
    const who = somebody();
    const asked = request();
    await inboxes.list(who, asked);
    await inside(who, (object, { storage }) => {
      const put = vi.spyOn(Object.getPrototypeOf(storage.kv), "put").mockImplementation(() => {
        throw new Error("disk");
      });
      expect(() => object.settle(who, answer(asked.challengeId))).toThrow("disk");
      put.mockRestore();
      expect(object.view(who).prompts).toHaveLength(1);
    });
    expect(await inboxes.settle(who, answer(asked.challengeId))).toMatchObject({ ok: true });
  });

  test("an older inbox, without a member that came later, is read with that member's beginning", async () => {
    const who = somebody();
    await inboxes.noteDevice(who);
    await inside(who, (_, { storage }) => {
      const [[key, value]] = [...storage.kv.list<object>()] as [[string, Record<string, unknown>]];
      const { counters: _counters, ...older } = value;
      storage.kv.put(key, { ...older, unknown: 1 });
    });
    await evictDurableObject(stubOf(who));
    expect(await inboxes.countTogether(who, OTP)).toMatchObject({ allowed: true });
    expect((await storedIn(who)).values).toMatchObject([{ hadDevice: true, unknown: 1 }]);
  });
});

describe("the device's socket", () => {
  const connect = async (who: SubjectKey, device: DeviceId = DEVICE) =>
    listen(await inboxes.socket(who, device));

  test("hears how many prompts there are, on open and whenever that changes, and nothing of them", async () => {
    const who = somebody();
    const ear = await connect(who);
    const asked = request();
    await inboxes.list(who, asked);
    await evictDurableObject(stubOf(who));
    await inboxes.spend(who, "digest", "use");
    await inboxes.settle(who, answer(asked.challengeId));
    await frames(ear, 3);
    expect(ear.heard).toEqual([0, 1, 0].map((count) => JSON.stringify({ type: "prompts", count })));
  });

  test("a prompt that takes another's place is told too", async () => {
    const who = somebody();
    const first = request();
    await inboxes.list(who, first);
    const ear = await connect(who);
    await inboxes.list(who, request({ clientId: first.clientId }));
    await frames(ear, 2);
    expect(ear.heard).toEqual([1, 1].map((count) => JSON.stringify({ type: "prompts", count })));
  });

  test("a removed device is hung up on, the user's other devices stay", async () => {
    const who = somebody();
    const other = "22222222-0000-4000-8000-222222222222" as DeviceId;
    const removed = await connect(who);
    const stays = await connect(who, other);
    await inboxes.disconnect(who, DEVICE);
    expect((await removed.closed).code).toBe(1008);
    await inboxes.list(who, request());
    await frames(stays, 2);
    expect(removed.heard).toHaveLength(1);
  });

  test("eight sockets per device, the newest win", async () => {
    const who = somebody();
    const ears = [];
    for (let n = 0; n < 9; n++) ears.push(await connect(who));
    expect((await ears[0]?.closed)?.code).toBe(1013);
    await inboxes.list(who, request());
    await Promise.all(ears.slice(1).map((ear) => frames(ear, 2)));
    expect(ears[0]?.heard).toHaveLength(1);
  });

  test("ping is answered pong, and what a device says over it decides nothing", async () => {
    const who = somebody();
    const asked = request();
    await inboxes.list(who, asked);
    const ear = await connect(who);
    ear.socket.send(JSON.stringify(answer(asked.challengeId)));
    ear.socket.send("ping");
    await frames(ear, 2);
    expect(ear.heard[1]).toBe("pong");
    expect((await inboxes.view(who)).prompts).toHaveLength(1);
  });
});

describe("the end of an inbox", () => {
  test("wiping closes the sockets and leaves nothing", async () => {
    const who = somebody();
    await inboxes.noteDevice(who);
    const ear = listen(await inboxes.socket(who, DEVICE));
    await inboxes.wipe(who);
    expect((await ear.closed).code).toBe(1008);
    expect(await storedIn(who)).toEqual({ values: [], alarm: null });
    await inboxes.openEnrolment(who, PHONE);
    expect((await inboxes.takeEnrolment(who, HELD, "key")).taken).toBe(true);
  });

  test("wiping takes the alarm too", async () => {
    const who = identifierSubject("wiped");
    await inboxes.countTogether(who, OTP);
    expect((await storedIn(who)).alarm).not.toBeNull();
    await inboxes.wipe(who);
    expect(await storedIn(who)).toEqual({ values: [], alarm: null });
  });

  test("a user's inbox has no alarm", async () => {
    const who = somebody();
    await inboxes.countTogether(who, OTP);
    expect((await storedIn(who)).alarm).toBeNull();
  });

  test("what was typed for a sign-up passes with its window, also where its device was taken and never stored", async () => {
    const who = somebody();
    await inboxes.beginSignUp(who, signUp());
    const { until } = await inboxes.takeEnrolment(who, { kind: "sign_up" }, "key");
    await runDurableObjectAlarm(stubOf(who));
    expect((await storedIn(who)).alarm).toBe(until);
    expect(JSON.stringify(await storedIn(who))).toContain("typed@example.com");
    later(until - Date.now());
    await runDurableObjectAlarm(stubOf(who));
    const { values, alarm } = await storedIn(who);
    expect(values).toEqual([expect.objectContaining({ hadDevice: true })]);
    expect(JSON.stringify(values)).not.toContain("typed@example.com");
    expect(alarm).toBeNull();
    // What came back too late opens nothing again.
    await inboxes.restoreEnrolment(who, "key", until);
    expect((await inboxes.takeEnrolment(who, { kind: "sign_up" }, "other")).taken).toBe(false);
  });

  test("an identifier's counters are forgotten after a day of rest, not before", async () => {
    const who = identifierSubject("mac");
    await inboxes.countTogether(who, OTP);
    expect((await storedIn(who)).alarm).toBe(Date.now() + DAY);
    later(DAY - 1);
    await inboxes.countTogether(who, [{ kind: "other", limit: 5, window: DAY }]);
    later(1);
    await runDurableObjectAlarm(stubOf(who));
    expect((await storedIn(who)).values).toHaveLength(1);
    expect((await storedIn(who)).alarm).toBe(Date.now() - 1 + DAY);
    later(DAY);
    await runDurableObjectAlarm(stubOf(who));
    expect(await storedIn(who)).toEqual({ values: [], alarm: null });
  });

  test("a client's counter is forgotten a day after its last window", async () => {
    const who = clientSubject("idle" as ClientId);
    await inboxes.countStart(who, 10);
    const { alarm } = await storedIn(who);
    expect(alarm).toBe(Date.now() + MINUTE + DAY);
    vi.setSystemTime(alarm ?? 0);
    await runDurableObjectAlarm(stubOf(who));
    expect(await storedIn(who)).toEqual({ values: [], alarm: null });
    expect((await inboxes.countStart(who, 10)).allowed).toBe(true);
  });
});
