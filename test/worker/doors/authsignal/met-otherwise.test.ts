import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  answer,
  bearer,
  enrol,
  inQuery,
  newTenant,
  type Phone,
  phoneCall,
  poll,
  server,
  startPush,
  track,
  validate,
} from "../../support/authsignal.ts";
import { type Scene, scene } from "../../support/authsignal-codes.ts";
import { claimsOf, fresh } from "../../support/cotter.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const CONSUMED = { isVerified: false, isConsumed: true };
const WAITING = { isVerified: false, isConsumed: false };
const INVALID = { status: 400, body: { error: "invalid_request" } };

async function person(here: Scene, namespace = "push") {
  const tenant = await newTenant(here.at);
  const [user, email] = [fresh("u"), `${fresh("jo")}@example.com`];
  await server(here.at, tenant, "PATCH", `/users/${user}`, { email, emailVerified: true });
  const phone = await enrol(here.at, tenant, user, namespace);
  return { tenant, user, phone, email };
}

const shown = async (here: Scene, phone: Phone) =>
  (await phoneCall(here.at, phone, "GET", `/challenge?publicKey=${inQuery(phone.key)}`)).body.challengeId;

describe("A15 an action that is met in another way", () => {
  test("A15 by a code: the phone is shown it no more, its poll is consumed, and its answer comes too late", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here);
    const push = await startPush(here.at, tenant, user);
    expect(await shown(here, phone)).toBe(push.id);
    await here.page(push.token, "/challenge/email-otp", {});
    // Both ways stay open until one is met.
    expect(await shown(here, phone)).toBe(push.id);
    expect((await poll(here.at, push.token, push.id)).body).toEqual(WAITING);
    const done = await here.page(push.token, "/verify/email-otp", { verificationCode: here.code() });
    expect(done.body).toMatchObject({ isVerified: true, accessToken: expect.any(String) });
    expect(await shown(here, phone)).toBeUndefined();
    expect((await poll(here.at, push.token, push.id)).body).toEqual(CONSUMED);
    expect(await answer(here.at, phone, push.id, true)).toMatchObject(INVALID);
    expect((await validate(here.at, tenant, { token: push.token })).body).toMatchObject({
      isValid: true,
      verificationMethod: "EMAIL_OTP",
    });
  });

  test("by whichever of several: all the others end", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here);
    const push = await startPush(here.at, tenant, user);
    const qr = await here.at.call("POST", "/v1/client/challenge/qr-code", {}, bearer(push.token));
    await here.page(push.token, "/challenge/email-otp", {});
    const code = here.code();
    expect((await answer(here.at, phone, push.id, true)).body).toEqual({ isVerified: true });
    const { challengeId, deviceCode } = qr.body;
    const polled = await at(here, tenant.id, { challengeId, deviceCode });
    expect(polled.body).toEqual({ isClaimed: false, ...CONSUMED });
    const late = await here.page(push.token, "/verify/email-otp", { verificationCode: code });
    expect(late.body).toMatchObject({ isVerified: false });
    expect((await poll(here.at, push.token, push.id)).body).toMatchObject({ isVerified: true });
  });

  test("by a backend's code, and in the app", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here, "device");
    const first = await startPush(here.at, tenant, user, "signIn", { idempotencyKey: "k1" });
    const asked = { action: "signIn", userId: user, idempotencyKey: "k1", verificationMethod: "EMAIL_OTP" };
    const begun = await server(here.at, tenant, "POST", "/challenge", asked);
    const { challengeId } = begun.body;
    const verified = await server(here.at, tenant, "POST", "/verify", {
      challengeId,
      verificationCode: here.code(),
    });
    expect(verified.body).toMatchObject({ isVerified: true });
    expect((await poll(here.at, first.token, first.id)).body).toEqual(CONSUMED);
    expect(await shown(here, phone)).toBeUndefined();

    const second = await startPush(here.at, tenant, user, "pay");
    const ticket = await here.at.call("POST", "/v1/client/challenge", {}, bearer(second.token));
    const proven = await here.at.call(
      "POST",
      "/v1/client/verify/in-app",
      {
        challengeId: ticket.body.challengeId,
        publicKey: phone.key.text,
        signature: await phone.key.sign(String(ticket.body.challengeId)),
      },
      bearer(second.token),
    );
    expect(proven.body).toMatchObject({ token: expect.any(String) });
    expect((await poll(here.at, second.token, second.id)).body).toEqual(CONSUMED);
    expect(await shown(here, phone)).toBeUndefined();
  });

  test("another action of the same user stays as it is", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here);
    const push = await startPush(here.at, tenant, user, "pay");
    const { body } = await track(here.at, tenant, user, "signIn", {});
    await here.page(body.token, "/challenge/email-otp", {});
    await here.page(body.token, "/verify/email-otp", { verificationCode: here.code() });
    expect(await shown(here, phone)).toBe(push.id);
    expect((await answer(here.at, phone, push.id, true)).body).toEqual({ isVerified: true });
  });
});

const at = (here: Scene, tenant: string, body: unknown) =>
  here.at.call("POST", "/v1/client/verify/qr-code", body, { Authorization: `Basic ${btoa(`${tenant}:`)}` });

describe("A21 the phone's answer, sent again because its own answer was lost", () => {
  test.each([true, false])(
    "T233 A21 approved %s: the same 200 for 30 s, and nothing changes",
    async (approved) => {
      const here = scene();
      const { tenant, user, phone } = await person(here);
      const push = await startPush(here.at, tenant, user);
      const signature = await phone.key.sign(push.id);
      const send = () => answer(here.at, phone, push.id, approved, { signature });
      const first = await send();
      expect(first).toMatchObject({ status: 200, body: { isVerified: approved } });
      const before = await here.at.services.challenges.read(
        here.at.services.challenges.parse(push.id) ?? never(),
      );
      vi.setSystemTime(Date.now() + 29_000);
      expect(await send()).toMatchObject({ status: 200, body: first.body });
      // Behind the poll, which redeems it, too.
      const polled = (await poll(here.at, push.token, push.id)).body;
      expect(polled).toMatchObject({ isVerified: approved, isConsumed: true });
      expect(await send()).toMatchObject({ status: 200, body: first.body });
      const after = await here.at.services.challenges.read(before?.spec.id ?? never());
      expect(after?.timeline.filter(({ what }) => what !== "redeemed")).toEqual(before?.timeline);
      vi.setSystemTime(Date.now() + 2_000);
      expect(await send()).toMatchObject(INVALID);
    },
  );

  test("T233 A21 of a QR code that it has claimed", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here, "qr-code");
    const { body } = await track(here.at, tenant, user, "signIn", {});
    const begun = await here.at.call("POST", "/v1/client/challenge/qr-code", {}, bearer(body.token));
    const id = String(begun.body.challengeId);
    const claimed = await phone.key.sign(id);
    await phoneCall(here.at, phone, "POST", "/challenge/claim", {
      challengeId: id,
      publicKey: phone.key.text,
      signature: claimed,
    });
    // The claim's own signature approves nothing, however often.
    expect(await answer(here.at, phone, id, true, { signature: claimed })).toMatchObject(INVALID);
    const signature = await phone.key.sign(id);
    for (const _ of [1, 2]) {
      expect(await answer(here.at, phone, id, true, { signature })).toMatchObject({
        status: 200,
        body: { isVerified: true },
      });
    }
    expect(await answer(here.at, phone, id, false)).toMatchObject(INVALID);
  });

  test("T233 A21 race: twenty at once are one decision, and each is told it", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here);
    const push = await startPush(here.at, tenant, user);
    const signature = await phone.key.sign(push.id);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => answer(here.at, phone, push.id, true, { signature })),
    );
    for (const one of answers) expect(one).toMatchObject({ status: 200, body: { isVerified: true } });
    const id = here.at.services.challenges.parse(push.id) ?? never();
    const timeline = (await here.at.services.challenges.read(id))?.timeline ?? [];
    expect(timeline.filter(({ what }) => what === "approved")).toHaveLength(1);
  });

  test("T233 A21 the other word, a signature that does not fit, and another device get no such answer", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here);
    const other = await enrol(here.at, tenant, user);
    const push = await startPush(here.at, tenant, user);
    const signature = await phone.key.sign(push.id);
    await answer(here.at, phone, push.id, true, { signature });
    expect(await answer(here.at, phone, push.id, false, { signature })).toMatchObject(INVALID);
    // Another signature over the same challenge is a second decision.
    expect(await answer(here.at, phone, push.id, true)).toMatchObject(INVALID);
    expect(
      await answer(here.at, phone, push.id, true, { signature: await phone.key.sign("other") }),
    ).toMatchObject({ status: 400, body: { error: "invalid_credential" } });
    expect(await answer(here.at, other, push.id, true)).toMatchObject(INVALID);
    await server(here.at, tenant, "DELETE", `/users/${user}/authenticators/${phone.id}`);
    expect(await answer(here.at, phone, push.id, true, { signature })).toMatchObject({
      status: 400,
      body: { error: "invalid_credential" },
    });
  });

  test("what was vetoed is told so again", async () => {
    const here = scene((event) =>
      event.type === "action.verify" ? { kind: "refused", reason: "no" } : { kind: "sent" },
    );
    const tenant = await newTenant(
      here.at,
      { webhook_events: ["action.verify"] },
      { webhookUrl: "https://hook.example/in" },
    );
    const user = fresh("u");
    const phone = await enrol(here.at, tenant, user);
    const push = await startPush(here.at, tenant, user);
    const signature = await phone.key.sign(push.id);
    for (const _ of [1, 2]) {
      expect(await answer(here.at, phone, push.id, true, { signature })).toMatchObject({
        status: 200,
        body: { isVerified: false },
      });
    }
  });

  test("T233 A21 a verification in the app, sent again: the same token's claims", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here, "in-app");
    const { body } = await track(here.at, tenant, user, "pay", {});
    const ticket = await here.at.call("POST", "/v1/client/challenge", {}, bearer(body.token));
    const challengeId = String(ticket.body.challengeId);
    const sent = { challengeId, publicKey: phone.key.text, signature: await phone.key.sign(challengeId) };
    const send = (change = {}) =>
      here.at.call("POST", "/v1/client/verify/in-app", { ...sent, ...change }, bearer(body.token));
    const answers = await Promise.all(Array.from({ length: 5 }, () => send()));
    const claims = answers.map((one) => JSON.parse(atob(String(one.body.token).split(".")[1] ?? "e30")));
    for (const one of answers) expect(one.status).toBe(200);
    for (const one of claims) expect(one).toEqual(claims[0]);
    vi.setSystemTime(Date.now() + 29_000);
    expect((await send()).status).toBe(200);
    // Another signature over the text is a second use of it.
    expect(await send({ signature: await phone.key.sign(challengeId) })).toMatchObject(INVALID);
    expect(await send({ signature: await phone.key.sign("other") })).toMatchObject({
      status: 400,
      body: { error: "invalid_credential" },
    });
    vi.setSystemTime(Date.now() + 2_000);
    expect(await send()).toMatchObject(INVALID);
  });

  test("T233 A21 a text that has proven one action proves no other, whoever's token comes with it", async () => {
    const here = scene();
    const { tenant, user, phone } = await person(here, "in-app");
    const [first, second] = [
      (await track(here.at, tenant, user, "pay", {})).body.token,
      (await track(here.at, tenant, user, "pay", {})).body.token,
    ];
    const ticket = await here.at.call("POST", "/v1/client/challenge", {}, bearer(first));
    const challengeId = String(ticket.body.challengeId);
    const sent = { challengeId, publicKey: phone.key.text, signature: await phone.key.sign(challengeId) };
    const send = (token: unknown) => here.at.call("POST", "/v1/client/verify/in-app", sent, bearer(token));
    expect((await send(first)).status).toBe(200);
    expect(await send(second)).toMatchObject(INVALID);
    expect((await validate(here.at, tenant, { token: second })).body).toMatchObject({ isValid: false });
  });

  test("T233 A21 a verification in the app of no tracked action: one use, however often it is sent", async () => {
    const here = scene();
    const { tenant, phone } = await person(here, "in-app");
    const basic = { Authorization: `Basic ${btoa(`${tenant.id}:`)}` };
    const ticket = await here.at.call("POST", "/v1/client/challenge", { action: "pay" }, basic);
    const challengeId = String(ticket.body.challengeId);
    const send = (signature: string) =>
      here.at.call(
        "POST",
        "/v1/client/verify/in-app",
        { challengeId, publicKey: phone.key.text, signature },
        basic,
      );
    const signature = await phone.key.sign(challengeId);
    const [first, again] = [await send(signature), await send(signature)];
    expect(claimsOf(again.body.token)).toEqual(claimsOf(first.body.token));
    expect(await send(await phone.key.sign(challengeId))).toMatchObject(INVALID);
  });

  test("a changed credential, sent again; another push token by the same signature is refused", async () => {
    const here = scene();
    const { phone } = await person(here);
    const { body } = await phoneCall(here.at, phone, "POST", `/sign?publicKey=${inQuery(phone.key)}`);
    const challengeId = String(body.challengeId);
    const signature = await phone.key.sign(challengeId);
    const send = (pushToken: string) =>
      phoneCall(here.at, phone, "PATCH", "", {
        challengeId,
        publicKey: phone.key.text,
        signature,
        pushToken,
      });
    expect((await send("one")).status).toBe(200);
    expect((await send("one")).status).toBe(200);
    expect(await send("two")).toMatchObject(INVALID);
  });
});

function never(): never {
  throw new Error("no such challenge");
}
