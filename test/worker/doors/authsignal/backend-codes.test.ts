import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { finishedEvent } from "../../../../src/core/challenge/record.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { parseUserId } from "../../../../src/core/ids.ts";
import { newTenant } from "../../support/authsignal.ts";
import { backend, mail, number, WAYS, WRONG, wrongFor } from "../../support/backend-codes.ts";
import { claimsOf, fresh, type Json } from "../../support/cotter.ts";
import { called, withId } from "../../support/people.ts";

const INVALID = { status: 400, body: { error: "invalid_request" } };
const NOBODY = "00000000-0000-0000-0000-000000000000";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

describe("a code for nobody yet", () => {
  test.each(WAYS)("$word: sent, verified, claimed for a user who is made then, validated", async (way) => {
    const { word, member, channel } = way;
    const shop = await backend();
    const to = way.address();
    const begun = await shop.challenge({
      verificationMethod: word,
      action: "signIn",
      [member]: to,
      locale: "en",
      ipAddress: "203.0.113.7",
      userAgent: "Browser/1",
      custom: { cart: 7 },
    });
    expect(begun).toMatchObject({ status: 200, body: { idempotencyKey: expect.any(String) } });
    const { challengeId, idempotencyKey, expiresAt } = begun.body;
    expect(expiresAt).toBe(Math.floor(Date.now() / 1_000) + 600);
    expect(shop.messages).toMatchObject([
      { channel, to, template: "one_time_code", origin: { ip: "203.0.113.7" } },
    ]);
    const shown = { challengeId, expiresAt, action: "signIn", [member]: to };
    expect((await shop.get({ challengeId: String(challengeId) })).body).toMatchObject(shown);
    expect((await shop.get({ challengeId: String(challengeId) })).body).not.toHaveProperty(
      "verificationMethod",
    );
    expect((await shop.verify(challengeId, shop.lastCode())).body).toEqual({
      isVerified: true,
      [member]: to,
      verificationMethod: word,
    });
    expect((await shop.get({ challengeId: String(challengeId) })).body).toMatchObject({
      verificationMethod: word,
    });
    const user = fresh("u");
    const claimed = await shop.claim(challengeId, user);
    expect(claimed).toMatchObject({ status: 200, body: { verificationMethod: word } });
    expect(
      (await shop.validate({ token: claimed.body.token, userId: user, action: "signIn" })).body,
    ).toMatchObject({
      ...{ isValid: true, state: "CHALLENGE_SUCCEEDED", userId: user, action: "signIn" },
      ...{ idempotencyKey, verificationMethod: word },
    });
    expect(await shop.state(user, "signIn", idempotencyKey)).toBe("CHALLENGE_SUCCEEDED");
    const { sub, scope } = claimsOf(claimed.body.token);
    expect([sub, scope]).toEqual([user, expect.stringContaining("add:authenticators")]);
  });

  test("no user is made before the claim, and none is ever the nil id", async () => {
    const shop = await backend();
    const email = mail();
    const { body } = await shop.challenge({ verificationMethod: "EMAIL_OTP", action: "signIn", email });
    await shop.verify(body.challengeId, shop.lastCode());
    expect((await shop.call("GET", `/users?email=${email}`)).body).toEqual({ users: [] });
    const approved = await shop.at.services.challenges.read(
      shop.at.services.challenges.parse(String(body.challengeId))!,
    );
    expect(approved?.view.approval?.userId).toBe(NOBODY);
    expect(finishedEvent(approved!)).not.toHaveProperty("userId");
    const user = fresh("u");
    expect((await shop.claim(body.challengeId, user)).status).toBe(200);
    const record = await called(shop.at, user);
    const trail = await shop.at.services.records.events({ userId: record!.user.id, size: 9 });
    expect(trail).toContainEqual(
      expect.objectContaining({ type: "signIn.redeemed", userId: record!.user.id, clientId: shop.tenant.id }),
    );
    const nil = parseUserId(NOBODY)!;
    expect(await withId(shop.at, nil)).toBeUndefined();
    expect(await shop.at.services.records.events({ userId: nil, size: 9 })).toEqual([]);
  });

  test("a claim moves no address: it stays another user's, and becomes nobody's by itself", async () => {
    const shop = await backend();
    const owner = await shop.enrolled();
    const claimer = fresh("u");
    const { body } = await shop.challenge({
      verificationMethod: "EMAIL_OTP",
      action: "signIn",
      email: owner.address,
    });
    await shop.verify(body.challengeId, shop.lastCode());
    expect((await shop.claim(body.challengeId, claimer)).status).toBe(200);
    expect((await shop.call("GET", `/users?email=${owner.address}`)).body.users).toMatchObject([
      { userId: owner.user },
    ]);
    expect((await shop.call("GET", `/users/${claimer}`)).body).toMatchObject({
      isEnrolled: false,
      emailVerified: false,
    });
  });

  test("a claim before the code came back is refused; with the flag it proves nothing, for one name alone", async () => {
    const shop = await backend();
    const begin = async () =>
      (await shop.challenge({ verificationMethod: "EMAIL_OTP", action: "signIn", email: mail() })).body;
    const { challengeId, idempotencyKey } = await begin();
    const code = shop.lastCode();
    const [user, other] = [fresh("u"), fresh("u")];
    expect(await shop.claim(challengeId, user)).toMatchObject(INVALID);
    const flag = { skipVerificationCheck: true };
    for (let times = 0; times < 2; times++) {
      const claimed = await shop.claim(challengeId, user, flag);
      expect(claimed).toMatchObject({ status: 200, body: { verificationMethod: "EMAIL_OTP" } });
      const { token } = claimed.body;
      expect((await shop.validate({ token })).body).toMatchObject({
        isValid: false,
        state: "ALLOW",
        userId: user,
      });
      expect(claimsOf(token).scope).toBe("read:authenticators");
    }
    expect(await shop.state(user, "signIn", idempotencyKey)).toBe("ALLOW");
    expect(await shop.claim(challengeId, other, flag)).toMatchObject(INVALID);
    expect(await called(shop.at, other)).toBeUndefined();
    expect((await shop.verify(challengeId, code)).body).toEqual(WRONG);
    expect(await shop.claim(challengeId, user)).toMatchObject(INVALID);
    const late = await begin();
    vi.setSystemTime(Date.now() + 601_000);
    expect(await shop.claim(late.challengeId, user, flag)).toMatchObject(INVALID);
  });

  test("race: of twenty claims for different users one wins, and the others' users are not made", async () => {
    const shop = await backend();
    for (const more of [{}, { skipVerificationCheck: true }]) {
      const { body } = await shop.challenge({
        verificationMethod: "SMS",
        action: "signIn",
        phoneNumber: number(),
      });
      if (more.skipVerificationCheck === undefined) await shop.verify(body.challengeId, shop.lastCode());
      const names = Array.from({ length: 20 }, () => fresh("u"));
      const all = await Promise.all(names.map((name) => shop.claim(body.challengeId, name, more)));
      expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
      const winner = names[all.findIndex(({ status }) => status === 200)] ?? "";
      expect((await shop.claim(body.challengeId, winner, more)).status).toBe(200);
      const made = await Promise.all(names.map((name) => called(shop.at, name)));
      expect(made.filter((record) => record !== undefined)).toHaveLength(1);
    }
  });

  test("T47 the same claim again gets the same claims while its token lives, and nothing after", async () => {
    const shop = await backend();
    const { body } = await shop.challenge({
      verificationMethod: "SMS",
      action: "signIn",
      phoneNumber: number(),
    });
    await shop.verify(body.challengeId, shop.lastCode());
    const user = fresh("u");
    const all = await Promise.all(Array.from({ length: 10 }, () => shop.claim(body.challengeId, user)));
    const first = claimsOf(all[0]?.body.token);
    for (const { body } of all) expect(claimsOf(body.token)).toEqual(first);
    vi.setSystemTime(Date.now() + 590_000);
    expect(claimsOf((await shop.claim(body.challengeId, user)).body.token)).toEqual(first);
    vi.setSystemTime(Date.now() + 20_000);
    expect(await shop.claim(body.challengeId, user)).toMatchObject(INVALID);
  });

  test("T101 D1 failing behind a claim loses nothing: the same claim again is answered", async () => {
    let fails = true;
    const shop = await backend(
      {},
      {
        change: ({ users }) => ({
          users: {
            ...users,
            insert: async (...given) => {
              if (fails) throw new Outage("down");
              return await users.insert(...given);
            },
          },
        }),
      },
    );
    const { body } = await shop.challenge({
      verificationMethod: "SMS",
      action: "signIn",
      phoneNumber: number(),
    });
    await shop.verify(body.challengeId, shop.lastCode());
    const user = fresh("u");
    expect((await shop.claim(body.challengeId, user)).status).toBe(503);
    fails = false;
    vi.setSystemTime(Date.now() + 60_000);
    expect(await shop.claim(body.challengeId, fresh("u"))).toMatchObject(INVALID);
    const claimed = await shop.claim(body.challengeId, user);
    expect((await shop.validate({ token: claimed.body.token })).body.isValid).toBe(true);
    const record = await called(shop.at, user);
    const trail = await shop.at.services.records.events({ userId: record!.user.id, size: 9 });
    expect(trail).toContainEqual(expect.objectContaining({ type: "signIn.redeemed" }));
  });

  test("rules hold: what is blocked or reviewed is neither begun nor claimed, and a locked user claims nothing", async () => {
    const shop = await backend({ actions: { pay: "block", send: "review", look: "allow" } });
    for (const action of ["pay", "send"]) {
      const begun = await shop.challenge({ verificationMethod: "EMAIL_OTP", action, email: mail() });
      expect(begun).toMatchObject(INVALID);
    }
    expect(shop.messages).toEqual([]);
    const begin = async (key?: string) => {
      const more = key === undefined ? {} : { idempotencyKey: key };
      const { body } = await shop.challenge({
        verificationMethod: "EMAIL_OTP",
        action: "look",
        email: mail(),
        ...more,
      });
      await shop.verify(body.challengeId, shop.lastCode());
      return body.challengeId;
    };
    const [user, key] = [fresh("u"), fresh("key")];
    await shop.track(user, "look", { idempotencyKey: key });
    await shop.call("PATCH", `/users/${user}/actions/look/${key}`, { state: "BLOCK" });
    expect(await shop.claim(await begin(key), user)).toMatchObject(INVALID);
    expect(await shop.state(user, "look", key)).toBe("BLOCK");
    const tracked = fresh("key");
    await shop.track(user, "look", { idempotencyKey: tracked });
    const record = await called(shop.at, user);
    await shop.at.services.users.update(record!.user, { status: "locked" }, Date.now());
    for (const open of [await begin(), await begin(tracked)]) {
      expect(await shop.claim(open, user)).toMatchObject(INVALID);
    }
    expect(await shop.state(user, "look", tracked)).toBe("ALLOW");
    await shop.at.services.clients.update(
      shop.tenant.id,
      { settings: { actions: { look: "block" } } },
      Date.now(),
    );
    const other = fresh("u");
    await shop.at.services.clients.update(shop.tenant.id, { settings: {} }, Date.now());
    const open = await begin();
    await shop.at.services.clients.update(
      shop.tenant.id,
      { settings: { actions: { look: "review" } } },
      Date.now(),
    );
    expect(await shop.claim(open, other)).toMatchObject(INVALID);
    expect(await called(shop.at, other)).toBeUndefined();
  });

  test("action.verify may veto a claim, once and for all", async () => {
    let veto = true;
    const shop = await backend(
      { webhook_events: ["action.verify"] },
      {
        outcome: () => (veto ? { kind: "refused", reason: "status 403" } : { kind: "sent" }),
      },
    );
    const { body } = await shop.challenge({
      verificationMethod: "SMS",
      action: "signIn",
      phoneNumber: number(),
    });
    await shop.verify(body.challengeId, shop.lastCode());
    const user = fresh("u");
    expect(await shop.claim(body.challengeId, user)).toMatchObject(INVALID);
    veto = false;
    expect(await shop.claim(body.challengeId, user)).toMatchObject(INVALID);
    expect(await shop.state(user, "signIn", body.idempotencyKey)).toBe("CHALLENGE_FAILED");
    // Whoever asks again may have the receiver asked again, always about the same event.
    expect(
      new Set(shop.told.map(({ id, type, data }) => [id, type, (data as Json).userId].join())),
    ).toHaveLength(1);
  });

  test("a met action that the backend takes back is met by neither claim nor code again", async () => {
    const shop = await backend();
    const known = await shop.enrolled();
    for (const whose of [{ phoneNumber: number() }, { userId: known.user }]) {
      const verificationMethod = whose.userId === undefined ? "SMS" : "EMAIL_OTP";
      const { body } = await shop.challenge({ verificationMethod, action: "signIn", ...whose });
      const code = shop.lastCode();
      await shop.verify(body.challengeId, code);
      const user = whose.userId ?? fresh("u");
      expect((await shop.claim(body.challengeId, user)).status).toBe(200);
      const at = `/users/${user}/actions/signIn/${body.idempotencyKey}`;
      await shop.call("PATCH", at, { state: "CHALLENGE_REQUIRED" });
      expect(await shop.claim(body.challengeId, user)).toMatchObject(INVALID);
      await shop.verify(body.challengeId, code);
      expect((await shop.call("GET", at)).body.state).toBe("CHALLENGE_REQUIRED");
    }
  });

  test("T106 another client's challenge is as if there were none", async () => {
    const shop = await backend();
    const other = await newTenant(shop.at);
    const { body } = await shop.challenge({
      verificationMethod: "SMS",
      action: "signIn",
      phoneNumber: number(),
    });
    const id = body.challengeId;
    const unknown = "0".repeat(64);
    const user = fresh("u");
    for (const [mine, theirs] of [
      [shop.verify(unknown, "000000", other), shop.verify(id, shop.lastCode(), other)],
      [shop.claim(unknown, user, {}, other), shop.claim(id, user, {}, other)],
      [shop.challenge({ challengeId: unknown }, other), shop.challenge({ challengeId: id }, other)],
      [shop.get({ challengeId: unknown }, other), shop.get({ challengeId: String(id) }, other)],
    ] as const) {
      const [expected, seen] = [await mine, await theirs];
      expect([seen.status, seen.body]).toEqual([expected.status, expected.body]);
    }
    expect((await shop.verify(id, shop.lastCode())).body.isVerified).toBe(true);
  });
});

describe("asking again", () => {
  test("T220 with the challenge's id another code is sent for it, and ends the one before the last", async () => {
    const shop = await backend();
    const email = mail();
    const { body } = await shop.challenge({ verificationMethod: "EMAIL_OTP", action: "signIn", email });
    const first = shop.lastCode();
    vi.setSystemTime(Date.now() + 11_000);
    const again = await shop.challenge({ challengeId: body.challengeId });
    expect(again.body).toEqual(body);
    expect(shop.messages).toHaveLength(2);
    vi.setSystemTime(Date.now() + 11_000);
    await shop.challenge({ challengeId: body.challengeId });
    shop.messages.splice(1, 1);
    const second = shop.lastCode();
    if (second !== first) expect((await shop.verify(body.challengeId, first)).body).toEqual(WRONG);
    for (const wrong of [
      { email: mail() },
      { verificationMethod: "SMS" },
      { action: "pay" },
      { userId: fresh("u") },
      { idempotencyKey: "other" },
      { smsChannel: "WHATSAPP" },
    ]) {
      const refused = await shop.challenge({ challengeId: body.challengeId, ...wrong });
      expect(refused, JSON.stringify(wrong)).toMatchObject(INVALID);
    }
    const fits = { email: email.toUpperCase(), verificationMethod: "EMAIL_OTP", action: "signIn" };
    expect((await shop.challenge({ challengeId: body.challengeId, ...fits })).status).toBe(200);
    expect((await shop.verify(body.challengeId, second)).body.isVerified).toBe(true);
    expect(await shop.challenge({ challengeId: body.challengeId })).toMatchObject(INVALID);
    expect(await shop.challenge({ challengeId: "0".repeat(64) })).toMatchObject(INVALID);
  });

  test("a number may be written to in another way", async () => {
    const shop = await backend();
    const phoneNumber = number();
    const { body } = await shop.challenge({ verificationMethod: "SMS", action: "signIn", phoneNumber });
    vi.setSystemTime(Date.now() + 11_000);
    await shop.challenge({ challengeId: body.challengeId, smsChannel: "WHATSAPP" });
    expect(shop.messages.map(({ channel }) => channel)).toEqual(["sms", "whatsapp"]);
    expect((await shop.verify(body.challengeId, shop.lastCode())).body).toMatchObject({
      verificationMethod: "SMS",
    });
  });

  test("race: a call that is repeated with its idempotency key is one challenge and one message", async () => {
    const shop = await backend();
    const user = await shop.enrolled();
    for (const who of [{ email: mail() }, { userId: user.user }]) {
      const before = shop.messages.length;
      const body = {
        verificationMethod: "EMAIL_OTP",
        action: "signIn",
        idempotencyKey: fresh("key"),
        ...who,
      };
      const all = await Promise.all(Array.from({ length: 10 }, () => shop.challenge(body)));
      expect(new Set(all.map(({ status, body }) => JSON.stringify([status, body])))).toHaveLength(1);
      expect(shop.messages).toHaveLength(before + 1);
      vi.setSystemTime(Date.now() + 11_000);
      expect((await shop.challenge(body)).body).toEqual(all[0]?.body);
      expect(shop.messages).toHaveLength(before + 2);
      expect((await shop.verify(all[0]?.body.challengeId, shop.lastCode())).body.isVerified).toBe(true);
      vi.setSystemTime(Date.now() + 11_000);
    }
  });

  test("T101 a call that an outage cut short is taken up by its repeat: the same challenge, its code sent, its action failed by guesses", async () => {
    let down: "send" | "begin" | undefined;
    const shop = await backend(
      {},
      {
        change: ({ actions, limits }) => ({
          limits: {
            ...limits,
            send: async (ip) => {
              if (down === "send") throw new Outage("down");
              return await limits.send(ip);
            },
          },
          actions: {
            ...actions,
            begin: async (...given) => {
              if (down === "begin") throw new Outage("down");
              return await actions.begin(...given);
            },
          },
        }),
      },
    );
    for (const cut of ["send", "begin"] as const) {
      const { user } = await shop.enrolled();
      const asked = {
        verificationMethod: "EMAIL_OTP",
        action: "pay",
        userId: user,
        idempotencyKey: fresh("key"),
      };
      const before = shop.messages.length;
      down = cut;
      expect((await shop.challenge(asked)).status).toBe(503);
      down = undefined;
      const { body } = await shop.challenge(asked);
      expect(shop.messages).toHaveLength(before + 1);
      for (let guess = 0; guess < 5; guess++) await shop.verify(body.challengeId, wrongFor(shop.lastCode()));
      expect(await shop.state(user, "pay", body.idempotencyKey)).toBe("CHALLENGE_FAILED");
    }
  });

  test("without a key two calls are two challenges; with one, the next begins when the first is over", async () => {
    const shop = await backend();
    const asked = { verificationMethod: "EMAIL_OTP", action: "signIn", email: mail() };
    const [one, two] = [await shop.challenge(asked), await shop.challenge(asked)];
    expect(one.body.challengeId).not.toBe(two.body.challengeId);
    const keyed = { ...asked, email: mail(), idempotencyKey: fresh("key") };
    const first = await shop.challenge(keyed);
    await shop.verify(first.body.challengeId, shop.lastCode());
    const next = await shop.challenge(keyed);
    expect(next.body.challengeId).not.toBe(first.body.challengeId);
    expect((await shop.verify(next.body.challengeId, shop.lastCode())).body.isVerified).toBe(true);
  });
});

test("T107 bad bodies are 400 with all three members, and without the secret it is 401", async () => {
  const shop = await backend();
  const fine = { verificationMethod: "EMAIL_OTP", action: "signIn", email: mail() };
  for (const [path, body] of [
    ["/challenge", {}],
    ["/challenge", { ...fine, verificationMethod: "PUSH" }],
    ["/challenge", { ...fine, verificationMethod: undefined }],
    ["/challenge", { ...fine, action: undefined }],
    ["/challenge", { ...fine, action: "sign in" }],
    ["/challenge", { ...fine, email: undefined }],
    ["/challenge", { ...fine, email: "nobody" }],
    ["/challenge", { ...fine, verificationMethod: "SMS" }],
    ["/challenge", { ...fine, verificationMethod: "SMS", phoneNumber: "jo@example.com" }],
    ["/challenge", { ...fine, userId: "a/b" }],
    ["/challenge", { ...fine, userId: "" }],
    ["/challenge", { ...fine, custom: [7] }],
    ["/challenge", { ...fine, custom: { x: "y".repeat(4_000) } }],
    ["/challenge", { ...fine, challengeId: 7 }],
    ["/verify", { challengeId: "x" }],
    ["/verify", { challengeId: "x", verificationCode: "" }],
    ["/verify", { challengeId: "x", verificationCode: "1".repeat(200) }],
    ["/verify", { challengeId: "x", verificationCode: "123456" }],
    ["/claim", { challengeId: "x" }],
    ["/claim", { challengeId: "x", userId: "a?b" }],
    ["/claim", { challengeId: "x", userId: "u", skipVerificationCheck: "yes" }],
  ] as const) {
    const answered = await shop.call("POST", path, body);
    expect(answered, `${path} ${JSON.stringify(body).slice(0, 90)}`).toMatchObject(INVALID);
    expect(answered.body).toMatchObject({
      errorCode: "invalid_request",
      errorDescription: expect.any(String),
    });
  }
  expect((await shop.call("GET", "/challenges?challengeId=a&challengeId=b")).status).toBe(400);
  for (const asked of ["", "?challengeId=x", `?userId=${fresh("u")}`, "?verificationMethod=PUSH"]) {
    expect((await shop.call("GET", `/challenges${asked}`)).body).toEqual({});
  }
  for (const path of ["/challenge", "/verify", "/claim"]) {
    expect((await shop.at.call("POST", `/v1${path}`, fine)).status).toBe(401);
  }
  expect((await shop.at.call("GET", "/v1/challenges")).status).toBe(401);
  expect(shop.messages).toEqual([]);
});
