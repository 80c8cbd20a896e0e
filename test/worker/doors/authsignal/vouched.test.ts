import { describe, expect, test } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { DEVICE_LETTERS } from "../../../../src/core/inbox/limits.ts";
import { no } from "../../../../src/core/result.ts";
import { newTenant, server, type Tenant, track } from "../../support/authsignal.ts";
import {
  EXHAUSTED,
  enrolled,
  number,
  type Scene,
  scene,
  tokenOf,
  WAYS,
  type Way,
  WRONG,
} from "../../support/authsignal-codes.ts";
import { fresh, type Json } from "../../support/cotter.ts";

const HOOK = { webhookUrl: "https://hook.example/in" };
const verifiedOf = (way: Way) => (way.member === "email" ? "emailVerified" : "phoneNumberVerified");

const call = (here: Scene, tenant: Tenant, method: string, path: string, body?: unknown) =>
  server(here.at, tenant, method, path, body);
const give = (here: Scene, tenant: Tenant, user: string, body: Json) =>
  call(here, tenant, "PATCH", `/users/${user}`, body);
const listed = async (here: Scene, tenant: Tenant, user: string) =>
  (await call(here, tenant, "GET", `/users/${user}/authenticators`)).body as unknown as Json[];
const deleted = (here: Scene) =>
  here.queued.flatMap((message) =>
    message.kind === "action_webhook" && message.event.type === "authenticator.deleted"
      ? [message.event.data]
      : [],
  );

describe.each(WAYS)("$path: an address that the backend has verified", (way) => {
  const verified = verifiedOf(way);
  const start = (here: Scene, token: unknown, body?: Json) =>
    here.page(token, `/challenge/${way.path}`, body);

  test("A2 is sent a code without an enrolment, and the code meets the action", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, HOOK);
    const [user, to] = [fresh("u"), way.address()];
    const sent = { [way.member]: to, [verified]: true };
    expect((await give(here, tenant, user, sent)).body).toMatchObject(sent);
    const tracked = await track(here.at, tenant, user, "signIn");
    expect(tracked.body).toMatchObject({
      state: "CHALLENGE_REQUIRED",
      isEnrolled: true,
      enrolledVerificationMethods: [way.word],
    });
    const { token } = tracked.body;
    expect(await start(here, token, {})).toMatchObject({
      status: 200,
      body: { challengeId: expect.any(String) },
    });
    expect(here.messages).toMatchObject([{ to }]);
    expect((await here.page(token, `/verify/${way.path}`, { verificationCode: here.wrong() })).body).toEqual(
      WRONG,
    );
    const done = await here.page(token, `/verify/${way.path}`, { verificationCode: here.code() });
    expect(done.body).toMatchObject({ isVerified: true, accessToken: expect.any(String) });
    expect(
      (await call(here, tenant, "POST", "/validate", { token: done.body.accessToken })).body,
    ).toMatchObject({
      isValid: true,
      verificationMethod: way.word,
    });
    // The word again is the same address, told once.
    await give(here, tenant, user, sent);
    expect(await listed(here, tenant, user)).toMatchObject([
      { verificationMethod: way.word, [way.member]: to },
    ]);
    expect(here.queued.filter((message) => message.kind === "action_webhook")).toHaveLength(1);
  });

  test("A2 without the word that it is verified there is nobody to write to", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, HOOK);
    const user = fresh("u");
    for (const body of [
      { [way.member]: way.address() },
      { [way.member]: way.address(), [verified]: false },
    ]) {
      expect((await give(here, tenant, user, body)).status).toBe(200);
      const tracked = await track(here.at, tenant, user, "signIn");
      expect(tracked.body).toMatchObject({ state: "ALLOW", isEnrolled: false });
      expect((await start(here, tracked.body.token, {})).status).toBe(400);
    }
    expect(here.messages).toEqual([]);
  });

  test("T231 A2 counts for that client alone: another one of the realm neither sees nor uses it", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, HOOK);
    const user = fresh("u");
    // The other goes by this one's names, and lets its phones answer, but its backend has verified nothing.
    const other = await newTenant(here.at, { names_from: [tenant.id], approve_through: "realm" }, HOOK);
    await give(here, tenant, user, { [way.member]: way.address(), [verified]: true });
    const tracked = await track(here.at, other, user, "signIn");
    expect(tracked.body).toMatchObject({ isEnrolled: false, enrolledVerificationMethods: [] });
    expect((await start(here, tracked.body.token, {})).status).toBe(400);
    const asked = { action: "signIn", userId: user, verificationMethod: way.word };
    expect((await call(here, other, "POST", "/challenge", asked)).status).toBe(400);
    expect(await listed(here, other, user)).toEqual([]);
    expect((await call(here, other, "GET", `/users/${user}`)).body.isEnrolled).toBe(false);
    expect(here.messages).toEqual([]);
    // What the user proves is theirs everywhere, as before.
    const token = await tokenOf(here.at, tenant, user, "add", { scope: "add:authenticators" });
    const to = way.address();
    await here.page(token, `/user-authenticators/${way.path}`, { [way.member]: to });
    await here.page(token, `/verify/${way.path}`, { verificationCode: here.code() });
    expect((await start(here, await tokenOf(here.at, other, user, "signIn"), {})).status).toBe(200);
    expect(here.messages.at(-1)).toMatchObject({ to });
  });

  test("T232 A5 a new one gets the codes, and the old one is told and no way any more", async () => {
    const here = scene();
    const { tenant, user, to, id } = await enrolled(here, way);
    const late = await tokenOf(here.at, tenant, user, "signIn");
    await start(here, late, {});
    const code = here.code();
    const next = way.address();
    await give(here, tenant, user, { [way.member]: next, [verified]: true });
    expect(here.messages.at(-1)).toMatchObject({ to, template: "address_replaced", channel: way.channel });
    expect(JSON.stringify(here.messages.at(-1))).not.toContain(next);
    expect(deleted(here)).toMatchObject([{ userAuthenticatorId: id }]);
    expect(await listed(here, tenant, user)).toMatchObject([{ [way.member]: next }]);
    expect((await call(here, tenant, "GET", `/users/${user}`)).body).toMatchObject({
      [way.member]: next,
      [verified]: true,
    });
    const token = await tokenOf(here.at, tenant, user, "signIn");
    expect((await start(here, token, {})).status).toBe(200);
    expect(here.messages.at(-1)).toMatchObject({ to: next });
    expect((await start(here, token, { userAuthenticatorId: id })).status).toBe(400);
    // A code that was on its way to the old one meets nothing.
    expect((await here.page(late, `/verify/${way.path}`, { verificationCode: code })).body).toEqual(WRONG);
  });

  test("T232 A5 letters to a replaced address are counted: a backend cannot fill a mailbox", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, HOOK);
    const [user, to] = [fresh("u"), way.address()];
    for (let time = 0; time < DEVICE_LETTERS.limit + 2; time++) {
      await give(here, tenant, user, { [way.member]: to, [verified]: true });
      await give(here, tenant, user, { [way.member]: way.address(), [verified]: true });
    }
    expect(here.messages.filter((message) => message.to === to)).toHaveLength(DEVICE_LETTERS.limit);
  });

  test("A5 naming one that they have takes none of their others away, and tells nobody", async () => {
    const here = scene();
    const { tenant, user, to } = await enrolled(here, way);
    const second = way.address();
    await call(here, tenant, "POST", `/users/${user}/authenticators`, {
      verificationMethod: way.word,
      [way.member]: second,
    });
    const before = here.messages.length;
    await give(here, tenant, user, { [way.member]: to, [verified]: true });
    expect((await listed(here, tenant, user)).map((one) => one[way.member])).toEqual([to, second]);
    expect(here.messages).toHaveLength(before);
  });

  test("A5 an outage on the way leaves nothing half done: the same call again finishes it", async () => {
    let fails = true;
    const here = scene(undefined, (services) => ({
      authenticators: {
        ...services.authenticators,
        remove: async (...asked) => {
          if (fails) throw new Outage("no");
          return await services.authenticators.remove(...asked);
        },
      },
    }));
    const { tenant, user, to } = await enrolled(here, way);
    const sent = { [way.member]: way.address(), [verified]: true };
    expect((await give(here, tenant, user, sent)).status).toBe(503);
    fails = false;
    expect((await give(here, tenant, user, sent)).status).toBe(200);
    expect(await listed(here, tenant, user)).toMatchObject([{ [way.member]: sent[way.member] }]);
    expect(here.messages.at(-1)).toMatchObject({ to, template: "address_replaced" });
  });

  test("A6 the id chooses the authenticator, and one that is none of theirs is 400", async () => {
    const here = scene();
    const { tenant, user, to, id } = await enrolled(here, way);
    const second = way.address();
    await call(here, tenant, "POST", `/users/${user}/authenticators`, {
      verificationMethod: way.word,
      [way.member]: second,
    });
    const stranger = await enrolled(here, way, {}, way.address(), tenant);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    const before = here.messages.length;
    for (const userAuthenticatorId of ["nonsense", stranger.id, crypto.randomUUID(), 7]) {
      expect(await start(here, token, { userAuthenticatorId })).toMatchObject({
        status: 400,
        body: { errorCode: expect.stringMatching(/^invalid_/) },
      });
    }
    expect(here.messages).toHaveLength(before);
    expect((await start(here, token, { userAuthenticatorId: id })).status).toBe(200);
    expect(here.messages.at(-1)).toMatchObject({ to });
    const done = await here.page(token, `/verify/${way.path}`, { verificationCode: here.code() });
    expect(done.body.isVerified).toBe(true);
    expect((await start(here, await tokenOf(here.at, tenant, user, "signIn"), {})).status).toBe(200);
    expect(here.messages.at(-1)).toMatchObject({ to: second });
  });

  test("A4 a second authenticator that is verified during a challenge gives no accessToken", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const scope = "add:authenticators";
    const tracked = await track(here.at, tenant, user, "signIn", { scope });
    expect(tracked.body.state).toBe("CHALLENGE_REQUIRED");
    const { token } = tracked.body;
    await here.page(token, `/user-authenticators/${way.path}`, { [way.member]: way.address() });
    const done = await here.page(token, `/verify/${way.path}`, { verificationCode: here.code() });
    expect(done.body).toMatchObject({
      isVerified: true,
      userAuthenticator: { verificationMethod: way.word },
    });
    expect(done.body.accessToken).toBeUndefined();
    // Where the client lets the code of such a page pass, there is one.
    const lenient = await enrolled(here, way, { actions: { addWay: "allow" } });
    const allowed = await tokenOf(here.at, lenient.tenant, lenient.user, "addWay", { scope });
    await here.page(allowed, `/user-authenticators/${way.path}`, { [way.member]: way.address() });
    const met = await here.page(allowed, `/verify/${way.path}`, { verificationCode: here.code() });
    expect(met.body).toMatchObject({ isVerified: true, accessToken: expect.any(String) });
  });

  test("A14 the fifth wrong code, and each after it, is MAX_ATTEMPTS_EXCEEDED", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    await start(here, token, {});
    const guess = async (verificationCode: string) =>
      await here.page(token, `/verify/${way.path}`, { verificationCode });
    for (let count = 0; count < 4; count++) expect((await guess(here.wrong())).body).toEqual(WRONG);
    for (const code of [here.wrong(), here.wrong(), here.code()]) {
      expect(await guess(code)).toMatchObject({ status: 200, body: EXHAUSTED });
    }
    // A new challenge of the action has guesses of its own.
    await start(here, token, {});
    expect((await guess(here.code())).body).toMatchObject({ isVerified: true });
  });

  test.each([0, 1])(
    "T220 A22 of two codes that were asked for again at once number %i works",
    async (which) => {
      const here = scene();
      const { tenant, user } = await enrolled(here, way);
      const token = await tokenOf(here.at, tenant, user, "signIn");
      await start(here, token, {});
      const first = here.code();
      const before = here.messages.length;
      const again = await Promise.all([start(here, token, {}), start(here, token, {})]);
      expect(again.map(({ status }) => status)).toEqual([200, 200]);
      const codes = here.messages.slice(before).map(({ code }) => code);
      expect(codes).toHaveLength(2);
      if (!codes.includes(first)) {
        expect((await here.page(token, `/verify/${way.path}`, { verificationCode: first })).body).toEqual(
          WRONG,
        );
      }
      const done = await here.page(token, `/verify/${way.path}`, { verificationCode: codes[which] });
      expect(done.body).toMatchObject({ isVerified: true, accessToken: expect.any(String) });
    },
  );

  test("T230 A3 one that is another user's is refused before anything is sent, and no id is told", async () => {
    const here = scene();
    const { tenant, to, id } = await enrolled(here, way);
    const user = fresh("u");
    const token = await tokenOf(here.at, tenant, user, "enrol");
    const before = here.messages.length;
    const begun = await here.page(token, `/user-authenticators/${way.path}`, { [way.member]: to });
    expect(begun).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(JSON.stringify(begun.body)).not.toContain(id);
    expect(here.messages).toHaveLength(before);
    expect(await listed(here, tenant, user)).toEqual([]);
  });

  test("T230 A3 whoever tries addresses is counted like one who guesses codes", async () => {
    const missed: unknown[] = [];
    const here = scene(undefined, ({ limits }) => ({
      limits: {
        ...limits,
        miss: async (ip) => {
          missed.push(ip);
          return await limits.miss(ip);
        },
      },
    }));
    const { tenant, to } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    const from = { "CF-Connecting-IP": "192.0.2.7" };
    missed.length = 0;
    await here.page(token, `/user-authenticators/${way.path}`, { [way.member]: to }, from);
    expect(missed).toEqual(["192.0.2.7"]);
    await here.page(token, `/user-authenticators/${way.path}`, { [way.member]: way.address() }, from);
    expect(missed).toHaveLength(1);
  });
});

describe("A3 shared_numbers", () => {
  const way = WAYS[1];

  test("T230 one number serves several users of the client, each of whom proves it", async () => {
    const here = scene();
    const first = await enrolled(here, way, { shared_numbers: true });
    const { tenant, to } = first;
    const second = await enrolled(here, way, {}, to, tenant);
    expect(second.done).toMatchObject({
      status: 200,
      body: { isVerified: true, userAuthenticator: { userId: second.user, phoneNumber: to } },
    });
    expect(second.id).not.toBe(first.id);
    for (const { user, id } of [first, second]) {
      expect((await call(here, tenant, "GET", `/users/${user}`)).body).toMatchObject({
        phoneNumber: to,
        phoneNumberVerified: true,
        isEnrolled: true,
      });
      const token = await tokenOf(here.at, tenant, user, "signIn");
      expect((await here.page(token, "/challenge/sms", { userAuthenticatorId: id })).status).toBe(200);
      expect(here.messages.at(-1)).toMatchObject({ to });
      const done = await here.page(token, "/verify/sms", { verificationCode: here.code() });
      expect(done.body).toMatchObject({ isVerified: true, accessToken: expect.any(String) });
    }
    // Taking it from one leaves it with the other.
    await call(here, tenant, "DELETE", `/users/${first.user}/authenticators/${first.id}`);
    expect(await listed(here, tenant, first.user)).toEqual([]);
    expect(await listed(here, tenant, second.user)).toHaveLength(1);
  });

  test("by the backend's word too, and for the client's own users alone", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, { shared_numbers: true }, HOOK);
    const to = number();
    const users = [fresh("u"), fresh("u")];
    for (const user of users) {
      expect((await give(here, tenant, user, { phoneNumber: to, phoneNumberVerified: true })).status).toBe(
        200,
      );
      const token = await tokenOf(here.at, tenant, user, "signIn");
      expect((await here.page(token, "/challenge/sms", {})).status).toBe(200);
      expect(here.messages.at(-1)).toMatchObject({ to });
    }
    const other = await newTenant(here.at, {}, HOOK);
    expect((await call(here, other, "GET", `/users?phoneNumber=${encodeURIComponent(to)}`)).body).toEqual({
      users: [],
    });
    // Another client's user may still prove it, and it is theirs then.
    expect((await enrolled(here, way, {}, to, other)).done.body.isVerified).toBe(true);
  });
});

describe("A7 WhatsApp", () => {
  test("an enrolment that asks for it is sent over WhatsApp, and is an SMS authenticator", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, HOOK);
    const to = number();
    const token = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    const sent = { phoneNumber: to, smsChannel: "WHATSAPP" };
    expect((await here.page(token, "/user-authenticators/sms", sent)).status).toBe(200);
    expect(here.messages.at(-1)).toMatchObject({ to, channel: "whatsapp" });
    // Asked for again in the other way, it is the same enrolment.
    await here.page(token, "/user-authenticators/sms", { phoneNumber: to });
    expect(here.messages.at(-1)).toMatchObject({ to, channel: "sms" });
    await here.page(token, "/user-authenticators/sms", sent);
    const done = await here.page(token, "/verify/sms", { verificationCode: here.code() });
    expect(done.body).toMatchObject({ isVerified: true, userAuthenticator: { verificationMethod: "SMS" } });
    const next = await here.page(done.body.accessToken, "/user-authenticators/sms", {
      ...sent,
      smsChannel: "PIGEON",
    });
    expect(next.status).toBe(400);
  });

  test("and a challenge; without a carrier both are 400", async () => {
    const here = scene(undefined, (services) => ({
      deliveries: {
        ...services.deliveries,
        send: async (message) =>
          message.channel === "whatsapp"
            ? no({ code: "delivery_failed", detail: "nothing carries it", uncarried: true } as const)
            : await services.deliveries.send(message),
      },
    }));
    const { tenant, user } = await enrolled(here, WAYS[1]);
    const NONE = { status: 400, body: { errorCode: "invalid_configuration" } };
    const token = await tokenOf(here.at, tenant, user, "signIn");
    expect(await here.page(token, "/challenge/sms", { smsChannel: "WHATSAPP" })).toMatchObject(NONE);
    const adding = await tokenOf(here.at, tenant, user, "add", { scope: "add:authenticators" });
    expect(
      await here.page(adding, "/user-authenticators/sms", { phoneNumber: number(), smsChannel: "WHATSAPP" }),
    ).toMatchObject(NONE);
  });
});
