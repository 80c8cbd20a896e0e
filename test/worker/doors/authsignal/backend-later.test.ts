import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { backend, mail, number, WRONG, wrongFor } from "../../support/backend-codes.ts";
import { stubOf } from "../../support/challenges.ts";
import { fresh } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

/** What comes later than a code that was sent: forgotten challenges, removed addresses, locks, vetoes, other spellings. */

const INVALID = { status: 400, body: { error: "invalid_request" } };
const PAY = { verificationMethod: "EMAIL_OTP", action: "pay" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

test("an idempotency key begins a challenge that can be claimed also when its earlier one is forgotten", async () => {
  const shop = await backend();
  const user = fresh("u");
  const asked = {
    ...{ verificationMethod: "EMAIL_OTP", action: "signIn", email: mail() },
    idempotencyKey: fresh("key"),
  };
  const begin = async () => {
    const { body } = await shop.challenge(asked);
    await shop.verify(body.challengeId, shop.lastCode());
    return String(body.challengeId);
  };
  const at = `/users/${user}/actions/signIn/${asked.idempotencyKey}`;
  const first = await begin();
  expect((await shop.claim(first, user)).status).toBe(200);
  await shop.call("PATCH", at, { state: "CHALLENGE_REQUIRED" });
  const id = shop.at.services.challenges.parse(first);
  for (let times = 0; id && (await shop.at.services.challenges.read(id)); times++) {
    if (times === 9) throw new Error("the challenge's object does not end");
    vi.setSystemTime(Date.now() + 700_000);
    await runDurableObjectAlarm(stubOf(id));
  }
  const second = await begin();
  expect(second).toBe(first);
  expect((await shop.claim(second, user)).status).toBe(200);
  expect((await shop.call("GET", at)).body.state).toBe("CHALLENGE_SUCCEEDED");
});

test("once it is claimed it is found as its user's, and nobody else's", async () => {
  const shop = await backend();
  const { body } = await shop.challenge({
    verificationMethod: "EMAIL_OTP",
    action: "signIn",
    email: mail(),
  });
  const challengeId = String(body.challengeId);
  await shop.verify(challengeId, shop.lastCode());
  const [user, other] = [fresh("u"), fresh("u")];
  await shop.track(user, "pay");
  await shop.track(other, "signIn", { idempotencyKey: body.idempotencyKey });
  expect((await shop.get({ userId: user, challengeId })).body).toEqual({});
  await shop.claim(challengeId, user);
  const found = { challengeId, verificationMethod: "EMAIL_OTP" };
  expect((await shop.get({ userId: user })).body).toMatchObject(found);
  expect((await shop.get({ userId: user, challengeId })).body).toMatchObject(found);
  expect((await shop.get({ userId: other })).body).toEqual({});
  expect((await shop.get({ userId: other, challengeId })).body).toEqual({});
});

test("a claim without a code ends a user's code too, and may be repeated", async () => {
  const shop = await backend();
  const { user } = await shop.enrolled();
  const scope = "add:authenticators";
  for (const more of [{}, { email: mail(), scope }]) {
    const { body } = await shop.challenge({ ...PAY, userId: user, ...more });
    for (const name of [user, user]) {
      const { token } = (await shop.claim(body.challengeId, name, { skipVerificationCheck: true })).body;
      expect((await shop.validate({ token })).body).toMatchObject({
        isValid: false,
        state: "CHALLENGE_REQUIRED",
      });
    }
    expect((await shop.verify(body.challengeId, shop.lastCode())).body).toEqual(WRONG);
    expect(await shop.state(user, "pay", body.idempotencyKey)).toBe("CHALLENGE_REQUIRED");
  }
  expect((await shop.call("GET", `/users/${user}/authenticators`)).body).toHaveLength(1);
});

test("what was cancelled or is over for a user is claimed by no flag", async () => {
  const shop = await backend();
  const { user } = await shop.enrolled();
  const scope = "add:authenticators";
  for (const more of [{}, { email: mail(), scope }]) {
    const { body } = await shop.challenge({ ...PAY, userId: user, ...more });
    vi.setSystemTime(Date.now() + 601_000);
    const claimed = await shop.claim(body.challengeId, user, { skipVerificationCheck: true });
    expect(claimed).toMatchObject(INVALID);
  }
});

test.each(["an outage cut its settling", "it was not typed yet"])(
  "an action that failed is met by no code that was under way: %s",
  async (why) => {
    let down = false;
    const shop = await backend(
      {},
      {
        change: ({ actions }) => ({
          actions: {
            ...actions,
            succeed: async (...given) => {
              if (down) throw new Outage("down");
              return await actions.succeed(...given);
            },
          },
        }),
      },
    );
    const { user } = await shop.enrolled();
    const sms = { verificationMethod: "SMS", phoneNumber: number() };
    await shop.call("POST", `/users/${user}/authenticators`, sms);
    const idempotencyKey = fresh("key");
    const mailed = await shop.challenge({ ...PAY, userId: user, idempotencyKey });
    const code = shop.lastCode();
    if (why === "an outage cut its settling") {
      down = true;
      expect((await shop.verify(mailed.body.challengeId, code)).status).toBe(503);
      down = false;
    }
    const texted = await shop.challenge({ ...sms, action: "pay", userId: user, idempotencyKey });
    for (let guess = 0; guess < 5; guess++) {
      await shop.verify(texted.body.challengeId, wrongFor(shop.lastCode()));
    }
    expect(await shop.state(user, "pay", idempotencyKey)).toBe("CHALLENGE_FAILED");
    expect((await shop.verify(mailed.body.challengeId, code)).body).toEqual(WRONG);
    expect(await shop.claim(mailed.body.challengeId, user)).toMatchObject(INVALID);
    expect(await shop.state(user, "pay", idempotencyKey)).toBe("CHALLENGE_FAILED");
  },
);

test("no further code is sent to a removed address, nor for a locked user", async () => {
  const shop = await backend();
  const { user, id } = await shop.enrolled();
  const lock = async () => {
    const record = await called(shop.at, user);
    await shop.at.services.users.update(record!.user, { status: "locked" }, Date.now());
  };
  const removed = await shop.challenge({ ...PAY, userId: user });
  await shop.call("DELETE", `/users/${user}/authenticators/${id}`);
  const scope = "add:authenticators";
  const enrols = await shop.challenge({ ...PAY, userId: user, email: mail(), scope });
  vi.setSystemTime(Date.now() + 11_000);
  expect(await shop.challenge({ challengeId: removed.body.challengeId })).toMatchObject(INVALID);
  expect((await shop.challenge({ challengeId: enrols.body.challengeId })).status).toBe(200);
  expect(shop.messages).toHaveLength(3);
  await lock();
  vi.setSystemTime(Date.now() + 11_000);
  expect(await shop.challenge({ challengeId: enrols.body.challengeId })).toMatchObject(INVALID);
  expect(shop.messages).toHaveLength(3);
});

test("a veto leaves the address that came back enrolled, and the client is told of it once", async () => {
  const shop = await backend(
    { webhook_events: ["action.verify", "authenticator.created"] },
    {
      outcome: ({ type }) =>
        type === "action.verify" ? { kind: "refused", reason: "status 403" } : { kind: "sent" },
    },
  );
  const user = fresh("u");
  const { body } = await shop.challenge({ ...PAY, userId: user, email: mail() });
  for (let times = 0; times < 2; times++) {
    expect((await shop.verify(body.challengeId, shop.lastCode())).body.isVerified).toBe(false);
  }
  expect((await shop.call("GET", `/users/${user}/authenticators`)).body).toHaveLength(1);
  const created = shop.queued.filter((one) => one.kind === "action_webhook");
  expect(created.map(({ event }) => event.type)).toEqual(["authenticator.created"]);
});

test("an address that was enrolled a moment before its challenge ended stays enrolled, and the client is told", async () => {
  const shop = await backend(
    {},
    {
      change: ({ challenges }) => ({
        challenges: {
          ...challenges,
          apply: async (id, command) => {
            if (command.name === "approve") await challenges.apply(id, { name: "cancel", by: "system" });
            return await challenges.apply(id, command);
          },
        },
      }),
    },
  );
  const user = fresh("u");
  const { body } = await shop.challenge({ ...PAY, userId: user, email: mail() });
  expect((await shop.verify(body.challengeId, shop.lastCode())).body).toEqual(WRONG);
  expect((await shop.call("GET", `/users/${user}/authenticators`)).body).toHaveLength(1);
  expect(shop.queued.map(({ kind }) => kind)).toEqual(["action_webhook"]);
  expect(await shop.state(user, "pay", body.idempotencyKey)).toBe("ALLOW");
});

test("a client may demand the scope for a first address too: at the start and when the code comes back", async () => {
  const shop = await backend();
  const demand = { settings: { enrol_without_scope: false } };
  const [user, scope] = [fresh("u"), "add:authenticators"];
  const { body } = await shop.challenge({ ...PAY, userId: user, email: mail() });
  await shop.at.services.clients.update(shop.tenant.id, demand, Date.now());
  vi.setSystemTime(Date.now() + 60_000);
  expect(await shop.verify(body.challengeId, shop.lastCode())).toMatchObject(INVALID);
  expect(await shop.challenge({ ...PAY, userId: user, email: mail() })).toMatchObject(INVALID);
  expect((await shop.call("GET", `/users/${user}/authenticators`)).body).toEqual([]);
  const scoped = await shop.challenge({ ...PAY, userId: user, email: mail(), scope });
  expect((await shop.verify(scoped.body.challengeId, shop.lastCode())).body.isVerified).toBe(true);
});
