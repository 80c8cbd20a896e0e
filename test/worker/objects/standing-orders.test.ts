import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { RedeemOrder } from "../../../src/core/challenge/command.ts";
import { type ChallengeId, type UserId, userSubject } from "../../../src/core/ids.ts";
import { ask } from "../support/app.ts";
import {
  answer,
  bearer,
  enrol,
  newTenant,
  phoneCall,
  poll,
  server,
  startPush,
  validate,
} from "../support/authsignal.ts";
import {
  approve,
  bareDraft,
  CLIENT,
  challenges,
  DEVICE,
  deny,
  inside,
  opened,
  redeem,
  storedIn,
  stubOf,
  USER,
} from "../support/challenges.ts";
import { claimsOf, deployment, fresh, newPerson, prompt, respond } from "../support/cotter.ts";
import { codes, generated, newAda, newBackend, newWeb, waitOn } from "../support/loginid.ts";
import { withId } from "../support/people.ts";
import { frames, listen } from "../support/sockets.ts";
import { until } from "../support/until.ts";

const at = deployment();

const order = (waiterProof = "waiter"): RedeemOrder => ({ waiterProof, draft: bareDraft() });

const waiters = (id: string, count = 1) =>
  until(
    async () =>
      expect(await inside(id as ChallengeId, (_, state) => state.getWebSockets().length)).toBe(count),
    5,
  );

describe("an order left with a wait", () => {
  test("is carried out in the one write of the approval; the next one with the same proof gets the same", async () => {
    const id = await opened();
    const mine = order();
    const waiting = challenges.wait(id, 60_000, { order: mine });
    await waiters(id);
    const puts = await inside(id, (object, { storage }) => {
      const spy = vi.spyOn(storage.kv, "put");
      const applied = object.apply(approve);
      expect(applied).toMatchObject({ ok: true, value: { changed: true, view: { state: "redeemed" } } });
      return spy.mock.calls.length;
    });
    expect(puts).toBe(1);
    const held = await waiting;
    expect(held).toMatchObject({
      state: "redeemed",
      redeemed: { changed: true, facts: { jti: mine.draft.jti }, view: { approval: { userId: USER } } },
    });
    const again = await challenges.apply(id, redeem("waiter", bareDraft()));
    expect(again).toMatchObject({ ok: true, value: { changed: false, facts: { jti: mine.draft.jti } } });
    expect(held?.redeemed?.facts).toEqual(again.ok ? again.value.facts : undefined);
    expect((await storedIn(id)).values).toHaveLength(1);
  });

  test("T45 of two proofs the first wins; the other waiter hears of the approval and may ask, in vain", async () => {
    const id = await opened();
    const [one, two] = [order("one"), order("two")];
    const first = challenges.wait(id, 60_000, { order: one });
    await waiters(id);
    const second = challenges.wait(id, 60_000, { order: two });
    await waiters(id, 2);
    await challenges.apply(id, approve);
    expect((await first)?.redeemed?.facts?.jti).toBe(one.draft.jti);
    expect(await second).toEqual({ id, state: "approved", expiresAt: expect.any(Number) });
    expect(await challenges.apply(id, redeem("two", bareDraft()))).toMatchObject({
      error: { code: "redeemed" },
    });
  });

  test("T50 nobody else hears more than that it was approved", async () => {
    const id = await opened();
    const mine = order();
    const waiting = challenges.wait(id, 60_000, { order: mine });
    await waiters(id);
    const ear = listen(await challenges.socket(id, undefined));
    await frames(ear, 1);
    await challenges.apply(id, approve);
    await ear.closed;
    expect(ear.heard.map((text) => JSON.parse(text).state)).toEqual(["pending", "approved", "approved"]);
    for (const secret of [mine.draft.jti, USER, DEVICE, "waiter"])
      expect(ear.heard.join("")).not.toContain(secret);
    expect((await waiting)?.redeemed?.facts?.jti).toBe(mine.draft.jti);
  });

  test("T48 sleeps with its object, and comes again with a line that was cut", async () => {
    for (const webSockets of ["hibernate", "close"] as const) {
      const id = await opened();
      const waiting = challenges.wait(id, 60_000, { order: order() });
      await waiters(id);
      await evictDurableObject(stubOf(id), webSockets === "close" ? { webSockets } : {});
      await waiters(id);
      await challenges.apply(id, approve);
      expect((await waiting)?.redeemed?.view.state).toBe("redeemed");
    }
  });

  test("is not carried out by a refusal, a claim or a denial, nor for a waiter that has left", async () => {
    const denied = await opened({ requiresClaim: true });
    const waiting = challenges.wait(denied, 60_000, { order: order() });
    await waiters(denied);
    expect(await challenges.apply(denied, approve)).toMatchObject({ error: { code: "not_claimed" } });
    await challenges.apply(denied, { name: "claim", deviceId: DEVICE, userId: USER, clientId: CLIENT });
    expect((await challenges.read(denied))?.view.state).toBe("claimed");
    await challenges.apply(denied, deny);
    expect(await waiting).toEqual({ id: denied, state: "denied", expiresAt: expect.any(Number) });

    const left = await opened();
    await challenges.wait(left, 1, { order: order() });
    await waiters(left, 0);
    expect(await challenges.apply(left, approve)).toMatchObject({ value: { view: { state: "approved" } } });
  });

  test("T55 what cannot be written is told to nobody", async () => {
    const id = await opened();
    const headers = { Upgrade: "websocket", "X-Redeem-Order": JSON.stringify(order()) };
    const ear = listen(await stubOf(id).fetch("https://challenge/socket", { headers }));
    await frames(ear, 1);
    await inside(id, (object, { storage }) => {
      const spy = vi.spyOn(storage, "transactionSync").mockImplementation(() => {
        throw new Error("disk full");
      });
      expect(() => object.apply(approve)).toThrow("disk full");
      spy.mockRestore();
    });
    ear.socket.send("ping");
    await frames(ear, 2);
    expect(ear.heard.map((text) => (text === "pong" ? text : JSON.parse(text).state))).toEqual([
      "pending",
      "pong",
    ]);
    await challenges.apply(id, approve);
    await ear.closed;
    expect(JSON.parse(ear.heard[2] ?? "")).toMatchObject({ type: "redeemed", redeemed: { changed: true } });
  });
});

test("T11 while a wait is held, a locked user's device may deny but not approve, and nobody gets a token", async () => {
  const backend = await newBackend(at);
  const web = await newWeb(at, backend, { settings: { wait_seconds: 1 } });
  const person = await newPerson(at, backend.id);
  const { user, identifiers } = (await withId(at, person.id as UserId))!;
  const given = [{ ...identifiers[0]!, assertedBy: "admin" as const }];
  const vouched = { identifiers: { of: "operator" as const, given } };
  await at.services.users.update(user, vouched, Date.now());
  const ada = { id: user.id, username: person.identifier };
  const code = await generated(at, backend, ada);
  const shown = (await prompt(at, backend.id, person))!;
  const waiting = waitOn(at, web, ada, code);
  const [standing] = (await at.services.inboxes.view(userSubject(user.id))).prompts;
  await waiters(standing!.challengeId);
  await at.services.users.update(user, { status: "locked" }, Date.now());
  expect((await respond(at, backend.id, person, shown, true)).status).toBe(403);
  expect((await codes(at, backend, "authorize", ada, { body: { code } })).body.code).toBe(
    "account_deactivated",
  );
  const told = await waiting;
  expect([told.body.code, told.body.jwt]).toEqual(["remote_session_timeout", undefined]);
  expect((await at.services.challenges.read(standing!.challengeId))?.view.state).toBe("pending");
  expect((await respond(at, backend.id, person, shown, false)).status).toBe(200);
});

test("a backend whose answer was lost may approve again, though the approval has ended a wait; later, or another's word, may not", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const [backend, other] = [await newBackend(at), await newBackend(at)];
  const web = await newWeb(at, backend);
  const ada = await newAda(at);
  const code = await generated(at, backend, ada);
  const waiting = waitOn(at, web, ada, code);
  const [standing] = (await at.services.inboxes.view(userSubject(ada.id))).prompts;
  await waiters(standing!.challengeId);
  const authorize = (by = backend) => codes(at, by, "authorize", ada, { body: { code } });
  const first = await authorize();
  expect((await waiting).body.is_authenticated).toBe(true);
  expect([first.status, (await authorize()).body]).toEqual([200, first.body]);
  expect((await authorize(other)).status).toBe(404);
  vi.setSystemTime(Date.now() + 301_000);
  expect((await authorize()).status).toBe(404);
  vi.useRealTimers();
});

const MET = { isVerified: true, isConsumed: true, accessToken: expect.any(String) };

describe("at the Authsignal door", () => {
  const heldPoll = (token: string, challengeId: string) =>
    at.call("POST", "/v1/client/verify/push", { challengeId }, { ...bearer(token), Prefer: "wait=20" });
  const rows = async (challengeId: string) =>
    (await env.DB.prepare("SELECT state FROM actions WHERE challenge_id = ?").bind(challengeId).all())
      .results;
  const forget = (challengeId: string) =>
    env.DB.prepare("DELETE FROM actions WHERE challenge_id = ?").bind(challengeId).run();
  /** Until the row is written, which comes behind the answer. */
  const settled = (challengeId: string) =>
    until(async () => expect(await rows(challengeId)).toEqual([{ state: "challenge_succeeded" }]));

  async function pending(settings: object = {}) {
    const tenant = await newTenant(at, { starts_per_minute: 0, ...settings });
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    return { tenant, user, phone, ...(await startPush(at, tenant, user)) };
  }

  test("the poll has its token of the approval's own commit; later polls get the same, and the row follows", async () => {
    const { tenant, user, phone, id, token } = await pending();
    const held = heldPoll(token, id);
    await waiters(id);
    expect((await answer(at, phone, id, true)).body).toEqual({ isVerified: true });
    const { body } = await held;
    expect(body).toEqual(MET);
    const asked = { token: body.accessToken, userId: user, action: "signIn" };
    expect((await validate(at, tenant, asked)).body).toMatchObject({ isValid: true, userId: user });
    await settled(id);
    const [first, again] = [body.accessToken, (await poll(at, token, id)).body.accessToken].map(claimsOf);
    expect(again).toEqual(first);
    expect(first).toMatchObject({ sub: user, cid: id, scope: expect.stringContaining("add:authenticators") });
  });

  test("an accessToken is good before its action is written, and its first reader writes it", async () => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user, "qr-code");
    const headers = { Authorization: `Basic ${btoa(tenant.id)}` };
    const started = await at.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, headers);
    const { challengeId, deviceCode } = started.body as Record<string, string>;
    const signature = async () => ({
      challengeId,
      publicKey: phone.key.text,
      signature: await phone.key.sign(challengeId!),
    });
    const held = at.call(
      "POST",
      "/v1/client/verify/qr-code",
      { challengeId, deviceCode },
      { ...headers, Prefer: "wait=20" },
    );
    await waiters(challengeId!);
    await phoneCall(at, phone, "POST", "/challenge/claim", await signature());
    await answer(at, phone, challengeId!, true);
    const { body } = await held;
    expect(body).toEqual({ isClaimed: true, ...MET });
    await settled(challengeId!);
    await forget(challengeId!);
    const asked = { token: body.accessToken, userId: user, action: "kiosk" };
    expect((await validate(at, tenant, asked)).body).toMatchObject({
      isValid: true,
      state: "CHALLENGE_SUCCEEDED",
      verificationMethod: "DEVICE",
    });
    expect(await rows(challengeId!)).toEqual([{ state: "challenge_succeeded" }]);
    const other = await newTenant(at);
    expect((await validate(at, other, asked)).body).toEqual({ isValid: false, error: "unauthorized" });
  });

  test("T106 a token that names another action's challenge answers for nothing", async () => {
    const { tenant, phone, id, token } = await pending();
    const held = heldPoll(token, id);
    await waiters(id);
    await answer(at, phone, id, true);
    const claims = claimsOf((await held).body.accessToken);
    await settled(id);
    const other = { ...(claims.other as object), idempotencyKey: crypto.randomUUID() };
    const forged = await at.services.keyring.sign("standard", { typ: "JWT" }, { ...claims, other } as never);
    expect((await validate(at, tenant, { token: forged })).body).toEqual({
      isValid: false,
      error: "invalid_request",
    });
  });

  test("no order is left where the client's action.verify has a say", async () => {
    const heard = { webhook_events: ["action.verify"] };
    const tenant = await newTenant(at, heard, { webhookUrl: "https://hooks.example/" });
    const user = fresh("u");
    await enrol(at, tenant, user);
    const { id, token } = await startPush(at, tenant, user);
    const held = heldPoll(token, id);
    await waiters(id);
    const attached = await inside(id as ChallengeId, (_, state) =>
      state.getWebSockets().map((socket) => socket.deserializeAttachment()),
    );
    expect(attached).toEqual([{ seat: 1 }]);
    await at.services.challenges.apply(id as ChallengeId, { name: "cancel", by: "test" });
    expect((await held).body).toEqual({ isVerified: false, isConsumed: false });
  });

  test("what the backend has blocked meanwhile is approved by nobody", async () => {
    const { tenant, user, phone, id, token, key } = await pending();
    const held = heldPoll(token, id);
    await waiters(id);
    await server(at, tenant, "PATCH", `/users/${user}/actions/signIn/${key}`, { state: "BLOCK" });
    expect((await held).body).toEqual({ isVerified: false, isConsumed: true });
    expect((await answer(at, phone, id, true)).status).toBe(400);
    expect(await rows(id)).toEqual([{ state: "block" }]);
  });

  test("T51 a QR socket on which nothing is under way is ended, and one that waits is not", async () => {
    const real = globalThis.setTimeout;
    // A minute passes in a moment; in the Worker's own turn, where alone it may close the socket.
    const hasty = (work: () => void, length?: number) => real(work, length === 60_000 ? 30 : length);
    const spy = vi.spyOn(globalThis, "setTimeout").mockImplementation(hasty as typeof setTimeout);
    const tenant = await newTenant(at);
    const phone = await enrol(at, tenant, fresh("u"), "qr-code");
    const protocol = `authsignal-ws, x.authsignal.tenant.${tenant.id}`;
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": protocol };
    const page = async () => listen(await ask("/ws-v1-challenge", { headers }));
    const busy = await page();
    const data = { challengeType: "QR_CODE", actionCode: "kiosk" };
    busy.socket.send(JSON.stringify({ type: "CREATE_CHALLENGE", data }));
    await frames(busy, 1);
    const silent = await page();
    expect((await silent.closed).code).toBe(1000);
    expect([busy.socket.readyState, silent.heard]).toEqual([WebSocket.OPEN, []]);
    const { challengeId } = JSON.parse(busy.heard[0] ?? "").data;
    const publicKey = phone.key.text;
    const signature = await phone.key.sign(challengeId);
    await phoneCall(at, phone, "POST", "/challenge/claim", { challengeId, publicKey, signature });
    await answer(at, phone, challengeId, true);
    expect((await busy.closed).code).toBe(1000);
    expect(busy.heard.map((text) => JSON.parse(text).data.state)).toEqual([
      "unclaimed",
      "claimed",
      "approved",
    ]);
    spy.mockRestore();
  });
});
