import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import {
  type Backend,
  backend,
  EXHAUSTED,
  mail,
  number,
  WAYS,
  WRONG,
  wrongFor,
} from "../../support/backend-codes.ts";
import { fresh, type Json } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

const INVALID = { status: 400, body: { error: "invalid_request" } };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const authenticators = async (shop: Backend, user: string) =>
  (await shop.call("GET", `/users/${user}/authenticators`)).body as unknown as Json[];

describe("a code for a user's action", () => {
  test.each(WAYS)("$word: goes to the enrolled address and meets the action", async (way) => {
    const shop = await backend();
    const enrolledAs = way.word === "EMAIL_OTP" ? "EMAIL_OTP" : "SMS";
    const { user, address, id } = await shop.enrolled(enrolledAs, way.member, way.address());
    const asked = { verificationMethod: way.word, action: "pay", userId: user };
    const { body } = await shop.challenge(asked);
    expect(shop.messages).toMatchObject([{ to: address, channel: way.channel }]);
    const { challengeId, idempotencyKey } = body;
    expect(await shop.state(user, "pay", idempotencyKey)).toBe("CHALLENGE_REQUIRED");
    const found = await shop.get({ userId: user, action: "pay", verificationMethod: way.word });
    expect(found.body).toMatchObject({ challengeId, [way.member]: address });
    expect((await shop.get({ userId: user, action: "signIn" })).body).toEqual({});
    expect((await shop.verify(challengeId, shop.lastCode())).body).toEqual({
      isVerified: true,
      [way.member]: address,
      verificationMethod: way.word,
    });
    expect(await shop.state(user, "pay", idempotencyKey)).toBe("CHALLENGE_SUCCEEDED");
    const listed = await authenticators(shop, user);
    expect(listed).toMatchObject([{ userAuthenticatorId: id, lastVerifiedAt: expect.any(String) }]);
    expect(await shop.claim(challengeId, fresh("u"))).toMatchObject(INVALID);
    const claimed = await shop.claim(challengeId, user);
    expect((await shop.validate({ token: claimed.body.token })).body).toMatchObject({
      ...{ isValid: true, userId: user, action: "pay", verificationMethod: way.word },
    });
    expect(await shop.challenge({ ...asked, idempotencyKey })).toMatchObject(INVALID);
  });

  test("an address that the user has not enrolled is refused: it would prove nothing about the user", async () => {
    const shop = await backend();
    const { user } = await shop.enrolled();
    const asked = { verificationMethod: "EMAIL_OTP", action: "pay", userId: user };
    expect(await shop.challenge({ ...asked, email: mail() })).toMatchObject(INVALID);
    const sms = { ...asked, verificationMethod: "SMS" };
    expect(await shop.challenge(sms)).toMatchObject(INVALID);
    expect(await shop.challenge({ ...asked, userId: fresh("u") })).toMatchObject(INVALID);
    expect(shop.messages).toEqual([]);
  });

  test("an address that was enrolled after the action was tracked does not meet it", async () => {
    const shop = await backend();
    const { user } = await shop.enrolled();
    const { idempotencyKey } = (await shop.track(user, "pay")).body;
    vi.setSystemTime(Date.now() + 1_000);
    const phoneNumber = number();
    const enrolled = { verificationMethod: "SMS", phoneNumber };
    expect((await shop.call("POST", `/users/${user}/authenticators`, enrolled)).status).toBe(200);
    const asked = { ...enrolled, action: "pay", userId: user, idempotencyKey };
    expect(await shop.challenge(asked)).toMatchObject(INVALID);
    expect(await shop.challenge({ ...asked, phoneNumber: undefined })).toMatchObject(INVALID);
    expect((await shop.challenge({ ...asked, idempotencyKey: fresh("key") })).status).toBe(200);
  });

  test("with the scope a further address is enrolled, and the action still waits", async () => {
    const shop = await backend();
    const { user } = await shop.enrolled();
    const phoneNumber = number();
    const scope = "add:authenticators";
    const asked = { verificationMethod: "SMS", action: "pay", userId: user, phoneNumber, scope };
    const { body } = await shop.challenge(asked);
    expect(await authenticators(shop, user)).toHaveLength(1);
    for (let times = 0; times < 2; times++) {
      expect((await shop.verify(body.challengeId, shop.lastCode())).body.isVerified).toBe(true);
    }
    const listed = await authenticators(shop, user);
    expect(listed.map(({ verificationMethod }) => verificationMethod).toSorted()).toEqual([
      "EMAIL_OTP",
      "SMS",
    ]);
    const added = listed.find((row) => row.phoneNumber === phoneNumber);
    expect(await shop.state(user, "pay", body.idempotencyKey)).toBe("CHALLENGE_REQUIRED");
    const { token } = (await shop.claim(body.challengeId, user)).body;
    expect((await shop.validate({ token })).body).toMatchObject({
      isValid: false,
      state: "CHALLENGE_REQUIRED",
    });
    const created = shop.queued.filter((one) => one.kind === "action_webhook");
    expect(created.map(({ event }) => [event.type, event.data.phoneNumber])).toContainEqual([
      "authenticator.created",
      phoneNumber,
    ]);
    expect(created).toHaveLength(2);
    await shop.call("DELETE", `/users/${user}/authenticators/${added?.userAuthenticatorId}`);
    expect(await shop.verify(body.challengeId, shop.lastCode())).toMatchObject(INVALID);
    expect(await authenticators(shop, user)).toHaveLength(1);
  });

  test("the first address of a user who has nothing is enrolled and meets the action; of two at once one is", async () => {
    const shop = await backend();
    const user = fresh("u");
    const begin = async (phoneNumber: string) => {
      const { body } = await shop.challenge({
        verificationMethod: "SMS",
        action: "signUp",
        userId: user,
        phoneNumber,
      });
      return { id: body.challengeId, key: body.idempotencyKey, code: shop.lastCode() };
    };
    const two = [await begin(number()), await begin(number())];
    const verdicts = await Promise.all(two.map(({ id, code }) => shop.verify(id, code)));
    expect(verdicts.map(({ status }) => status).toSorted()).toEqual([200, 400]);
    expect(await authenticators(shop, user)).toHaveLength(1);
    const won = two[verdicts.findIndex(({ status }) => status === 200)];
    expect((await shop.verify(won?.id, won?.code ?? "")).body.isVerified).toBe(true);
    expect(await shop.state(user, "signUp", won?.key)).toBe("CHALLENGE_SUCCEEDED");
    vi.setSystemTime(Date.now() + 25 * 60_000);
    const late = await shop.challenge({
      verificationMethod: "SMS",
      action: "signUp",
      userId: user,
      phoneNumber: number(),
    });
    expect(late).toMatchObject(INVALID);
  });

  test("T20 another user's address is not enrolled, also when it became theirs meanwhile", async () => {
    const shop = await backend();
    const [user, email] = [fresh("u"), mail()];
    const asked = { verificationMethod: "EMAIL_OTP", action: "signUp", userId: user, email };
    const { body } = await shop.challenge(asked);
    const owner = await shop.enrolled("EMAIL_OTP", "email", email);
    expect(await shop.verify(body.challengeId, shop.lastCode())).toMatchObject(INVALID);
    expect(await authenticators(shop, user)).toEqual([]);
    expect(await shop.state(user, "signUp", body.idempotencyKey)).toBe("ALLOW");
    expect(await shop.challenge({ ...asked, idempotencyKey: "k" })).toMatchObject(INVALID);
    expect((await shop.call("GET", `/users?email=${email}`)).body.users).toMatchObject([
      { userId: owner.user },
    ]);
  });

  test("a blocked or reviewed action is met by no code, whenever it became that", async () => {
    const shop = await backend({ actions: { pay: "block", send: "review" } });
    const { user } = await shop.enrolled();
    for (const action of ["pay", "send"]) {
      expect(await shop.challenge({ verificationMethod: "EMAIL_OTP", action, userId: user })).toMatchObject(
        INVALID,
      );
    }
    expect(shop.messages).toEqual([]);
    for (const state of ["BLOCK", "REVIEW_REQUIRED"]) {
      const { body } = await shop.challenge({
        verificationMethod: "EMAIL_OTP",
        action: "look",
        userId: user,
      });
      await shop.call("PATCH", `/users/${user}/actions/look/${body.idempotencyKey}`, { state });
      expect((await shop.verify(body.challengeId, shop.lastCode())).body).toEqual(WRONG);
      expect(await shop.state(user, "look", body.idempotencyKey)).toBe(state);
      const added = { verificationMethod: "SMS", phoneNumber: number(), scope: "add:authenticators" };
      const enrols = (await shop.challenge({ ...added, action: "add", userId: user })).body;
      await shop.call("PATCH", `/users/${user}/actions/add/${enrols.idempotencyKey}`, { state });
      expect(await shop.challenge({ challengeId: enrols.challengeId })).toMatchObject(INVALID);
      expect((await shop.verify(enrols.challengeId, shop.lastCode())).body).toEqual(WRONG);
      expect(await authenticators(shop, user)).toHaveLength(1);
      expect(await shop.challenge({ challengeId: body.challengeId })).toMatchObject(INVALID);
      vi.setSystemTime(Date.now() + 11_000);
    }
  });

  test("a locked user is asked nothing and verifies nothing; a removed address meets nothing", async () => {
    const shop = await backend();
    const { user, id } = await shop.enrolled();
    const asked = { verificationMethod: "EMAIL_OTP", action: "pay", userId: user };
    const first = await shop.challenge(asked);
    const code = shop.lastCode();
    await shop.call("DELETE", `/users/${user}/authenticators/${id}`);
    expect((await shop.verify(first.body.challengeId, code)).body).toEqual(WRONG);
    const other = await shop.enrolled();
    const second = await shop.challenge({ ...asked, userId: other.user });
    const { idempotencyKey } = (await shop.track(other.user, "pay")).body;
    const record = await called(shop.at, other.user);
    await shop.at.services.users.update(record!.user, { status: "locked" }, Date.now());
    expect(await shop.verify(second.body.challengeId, shop.lastCode())).toMatchObject(INVALID);
    for (const more of [{}, { idempotencyKey }]) {
      expect(await shop.challenge({ ...asked, userId: other.user, ...more })).toMatchObject(INVALID);
    }
  });

  test("action.verify may veto: the code was right, and nothing is verified", async () => {
    const shop = await backend(
      { webhook_events: ["action.verify"] },
      {
        outcome: () => ({ kind: "refused", reason: "status 403" }),
      },
    );
    const { user } = await shop.enrolled();
    const { body } = await shop.challenge({ verificationMethod: "EMAIL_OTP", action: "pay", userId: user });
    expect((await shop.verify(body.challengeId, shop.lastCode())).body).toEqual({ isVerified: false });
    expect(await shop.state(user, "pay", body.idempotencyKey)).toBe("CHALLENGE_FAILED");
    expect(await shop.claim(body.challengeId, user)).toMatchObject(INVALID);
  });

  test("a client that sends itself is given the code; when it does not take it, nothing is pending", async () => {
    let takes = true;
    const opened: ChallengeId[] = [];
    const shop = await backend(
      { webhook_events: ["email.created"] },
      {
        outcome: () => (takes ? { kind: "sent" } : { kind: "retry", reason: "status 500" }),
        change: ({ challenges }) => ({
          challenges: {
            ...challenges,
            open: (spec) => {
              opened.push(spec.id);
              return challenges.open(spec);
            },
          },
        }),
      },
    );
    const { user, address } = await shop.enrolled();
    const asked = { verificationMethod: "EMAIL_OTP", action: "pay", userId: user };
    const { body } = await shop.challenge({ ...asked, locale: "de" });
    const { data } = shop.told[0] as { data: Json };
    expect(data).toMatchObject({
      to: address,
      userId: user,
      actionCode: "pay",
      idempotencyKey: body.idempotencyKey,
      locale: "de",
    });
    expect(shop.messages).toEqual([]);
    expect((await shop.verify(body.challengeId, String(data.code))).body.isVerified).toBe(true);
    takes = false;
    const key = fresh("key");
    const failed = await shop.challenge({ ...asked, idempotencyKey: key });
    expect(failed).toMatchObject({ status: 502, body: { error: "webhook_failed" } });
    expect((await shop.get({ userId: user })).body).toMatchObject({ challengeId: body.challengeId });
    const left = await shop.at.services.challenges.read(opened.at(-1)!);
    expect([opened.length, left?.view.state]).toEqual([2, "cancelled"]);
    takes = true;
    expect((await shop.challenge({ ...asked, idempotencyKey: key })).status).toBe(200);
  });
});

describe("T202 a backend's codes for one user or address", () => {
  test.each(["a user", "an address of nobody yet"])(
    "T202 are ten in a minute for %s, and others' go on",
    async (who) => {
      const shop = await backend();
      const ada = await shop.enrolled();
      const asked = { verificationMethod: "EMAIL_OTP", action: "pay" };
      const to = (user: string, email: string): Json => (who === "a user" ? { userId: user } : { email });
      const statuses: number[] = [];
      // Letters are five in five minutes: past them a start is refused all the same, and counted.
      for (let time = 0; time < 12; time++) {
        statuses.push((await shop.challenge({ ...asked, ...to(ada.user, ada.address) })).status);
      }
      expect(statuses).toEqual([...Array(5).fill(200), ...Array(7).fill(429)]);
      await shop.at.settled();
      const noted = shop.queued.flatMap((message) => (message.kind === "audit" ? message.events : []));
      const types = noted
        .map(({ type }) => type)
        .filter((type) => type.endsWith("limited") || type === "code_not_sent");
      expect(types).toEqual([...Array(5).fill("code_not_sent"), ...Array(2).fill("starts_about_limited")]);
      const bob = await shop.enrolled();
      expect((await shop.challenge({ ...asked, ...to(bob.user, bob.address) })).status).toBe(200);
    },
  );

  test("T202 are not what a token of the user's action may start", async () => {
    const shop = await backend();
    const ada = await shop.enrolled();
    const { token } = (await shop.track(ada.user, "signIn")).body;
    for (let time = 0; time < 12; time++) {
      await shop.at.call("POST", "/v1/client/challenge/qr-code", {}, { Authorization: `Bearer ${token}` });
    }
    const asked = { verificationMethod: "EMAIL_OTP", action: "pay", userId: ada.user };
    expect((await shop.challenge(asked)).status).toBe(200);
  });
});

describe("guesses", () => {
  const begun = async (shop: Backend, more: Json = {}) => {
    const { body } = await shop.challenge({ verificationMethod: "EMAIL_OTP", action: "pay", ...more });
    return { id: body.challengeId, key: body.idempotencyKey, code: shop.lastCode() };
  };

  test("T60 the fifth wrong code ends it: the right one is late, the action has failed, and the address may be asked again", async () => {
    const shop = await backend();
    const { user } = await shop.enrolled();
    const { id, key, code } = await begun(shop, { userId: user });
    for (let guess = 0; guess < 4; guess++) {
      expect((await shop.verify(id, wrongFor(code))).body).toEqual(WRONG);
    }
    expect((await shop.verify(id, wrongFor(code))).body).toEqual(EXHAUSTED);
    expect((await shop.get({ challengeId: String(id) })).body).toEqual({});
    expect((await shop.verify(id, code)).body).toEqual(EXHAUSTED);
    const rows = await shop.call("GET", `/users/${user}/actions`);
    expect(rows.body).toMatchObject([{ idempotencyKey: key, state: "CHALLENGE_FAILED" }]);
    expect(await shop.claim(id, user)).toMatchObject(INVALID);
    const next = await begun(shop, { userId: user });
    expect((await shop.verify(next.id, next.code)).body.isVerified).toBe(true);
  });

  test("T60 wrong codes stay counted over new codes of the challenge, also of nobody's", async () => {
    const shop = await backend();
    const { id } = await begun(shop, { email: mail() });
    for (let round = 0; round < 4; round++) {
      expect((await shop.verify(id, wrongFor(shop.lastCode()))).body).toEqual(WRONG);
      vi.setSystemTime(Date.now() + 11_000);
      expect((await shop.challenge({ challengeId: id })).status).toBe(200);
    }
    expect((await shop.verify(id, wrongFor(shop.lastCode()))).body).toEqual(EXHAUSTED);
    expect((await shop.verify(id, shop.lastCode())).body).toEqual(EXHAUSTED);
    expect(await shop.claim(id, fresh("u"))).toMatchObject(INVALID);
  });

  test("T62 T152 spellings of one mailbox share twice the letters of one; those of a number are one number", async () => {
    const shop = await backend();
    const [local] = mail().split("@");
    const statuses: number[] = [];
    for (let letter = 0; letter < 12; letter++) {
      const email = `${local}+${letter % 4}@example.com`;
      const asked = { verificationMethod: "EMAIL_OTP", action: "pay", email };
      statuses.push((await shop.challenge(asked)).status);
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429]);
    const digits = number().slice(3);
    const written = [`+64${digits}`, `+64 0${digits}`, `+64 (0)${digits.slice(0, 2)} ${digits.slice(2)}`];
    const texts: number[] = [];
    for (let letter = 0; letter < 6; letter++) {
      const phoneNumber = written[letter % written.length];
      texts.push((await shop.challenge({ verificationMethod: "SMS", action: "pay", phoneNumber })).status);
    }
    expect(texts).toEqual([...Array(5).fill(200), 429]);
    expect(new Set(shop.messages.slice(-5).map(({ to }) => to))).toEqual(new Set([`+64${digits}`]));
  });

  test("T63 race: of a hundred wrong codes at once at most five are compared", async () => {
    const shop = await backend();
    const { user } = await shop.enrolled();
    const { id, code } = await begun(shop, { userId: user });
    const all = await Promise.all(Array.from({ length: 100 }, () => shop.verify(id, wrongFor(code))));
    const wrong = all.filter(({ body }) => body.failureReason === WRONG.failureReason);
    expect(wrong.length).toBeLessThanOrEqual(4);
    expect(all.filter(({ body }) => body.failureReason === EXHAUSTED.failureReason)).toHaveLength(
      100 - wrong.length,
    );
    expect((await shop.verify(id, code)).body).toEqual(EXHAUSTED);
  });

  test("race: twenty right codes at once are one approval, one success, one enrolment; each is told so", async () => {
    const shop = await backend();
    const user = fresh("u");
    const { id, key, code } = await begun(shop, { userId: user, email: mail() });
    const all = await Promise.all(Array.from({ length: 20 }, () => shop.verify(id, code)));
    for (const { body } of all) expect(body.isVerified).toBe(true);
    const snapshot = await shop.at.services.challenges.read(shop.at.services.challenges.parse(String(id))!);
    expect(snapshot?.timeline.filter(({ what }) => what === "approved")).toHaveLength(1);
    expect(await shop.state(user, "pay", key)).toBe("CHALLENGE_SUCCEEDED");
    const record = await called(shop.at, user);
    const trail = await shop.at.services.records.events({ userId: record!.user.id, size: 99 });
    expect(trail.filter(({ type }) => type === "authenticator.enrolled")).toHaveLength(1);
    expect(shop.queued.filter(({ kind }) => kind === "action_webhook")).toHaveLength(1);
    expect((await shop.verify(id, wrongFor(code))).body).toEqual(WRONG);
    expect((await shop.verify(id, code)).body.isVerified).toBe(true);
  });

  test("T70 a code is for its own challenge, and for no other of the same address", async () => {
    const shop = await backend();
    const { user, address } = await shop.enrolled();
    const one = await begun(shop, { userId: user });
    const two = await begun(shop, { email: address });
    const page = await shop.track(user, "look");
    if (one.code !== two.code) {
      expect((await shop.verify(one.id, two.code)).body).toEqual(WRONG);
      expect((await shop.verify(two.id, one.code)).body).toEqual(WRONG);
    }
    const typed = await shop.at.call(
      "POST",
      "/v1/client/verify/email-otp",
      { verificationCode: one.code },
      { Authorization: `Bearer ${page.body.token}` },
    );
    expect(typed.body.isVerified).not.toBe(true);
    expect((await shop.verify(one.id, one.code)).body.isVerified).toBe(true);
    expect((await shop.verify(two.id, two.code)).body.isVerified).toBe(true);
  });

  test("a code that is over is told like a wrong one", async () => {
    const shop = await backend();
    const { id, code } = await begun(shop, { email: mail() });
    vi.setSystemTime(Date.now() + 600_000);
    expect((await shop.verify(id, code)).body).toEqual(WRONG);
    expect((await shop.get({ challengeId: String(id) })).body).toEqual({});
  });

  test("T64 the code is in nothing but the message", async () => {
    const shop = await backend();
    const { user } = await shop.enrolled();
    const answers: unknown[] = [];
    for (const more of [{ userId: user }, { email: mail() }]) {
      const begun = await shop.challenge({ verificationMethod: "EMAIL_OTP", action: "pay", ...more });
      const code = shop.lastCode();
      const { challengeId } = begun.body;
      answers.push(begun.body, (await shop.verify(challengeId, wrongFor(code))).body);
      answers.push((await shop.get({ challengeId: String(challengeId) })).body);
      answers.push((await shop.verify(challengeId, code)).body);
      answers.push((await shop.claim(challengeId, user)).body);
      const trail = await shop.at.services.records.events({ clientId: shop.tenant.id, size: 99 });
      const all = JSON.stringify([answers, trail, shop.queued, shop.logged, shop.told]);
      expect(code).toMatch(/^\d{6}$/);
      expect(all.replaceAll(/\d{7,}/g, "")).not.toContain(code);
      vi.setSystemTime(Date.now() + 11_000);
    }
  });
});
