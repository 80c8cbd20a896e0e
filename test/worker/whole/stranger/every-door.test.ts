import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import { answer, bearer, enrol, newTenant, server, startPush, track } from "../../support/authsignal.ts";
import { fresh, newClient, newPerson, poll, prompt, respond, start } from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";
import { codes, generated, newAda, newBackend, newWeb, waitOn } from "../../support/loginid.ts";
import { appPath, type Browser, newPageClient } from "../../support/page.ts";
import { HOME, STRANGER, seconds, world, wrongFor } from "../../support/stranger.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const HOURS = 2;
/** The bank names its users by our ids. */
const BY_ID = { user_ids: "subject" } as ClientSettings;

// One request a second is 60 a minute. What a limit has refused changes nothing, so each minute holds those that could.
test("T160 a stranger at every door for hours keeps nobody out who brings something, nor who asks from elsewhere", {
  timeout: 120_000,
}, async () => {
  const at = world();
  const [home, stranger] = [at.from(HOME), at.from(STRANGER)];
  const [shop, page, blog] = [await newClient(home), await newPageClient(at), await newPageClient(at)];
  const person = await newPerson(home, shop);
  // One backend names users by our ids, the other by its own.
  const [bank, desk] = [await newTenant(home, BY_ID), await newTenant(home)];
  const phone = await enrol(home, bank, person.id);
  const ada = await newAda(home);
  const backend = await newBackend(home);
  const web = await newWeb(home, backend);
  // Who has proven the address meanwhile is another user than the one whom the operator gave it.
  const byId = { username: undefined, user_id: ada.id };
  const user = fresh("u");
  const mail = { verificationMethod: "EMAIL_OTP", email: `${fresh("jo.e")}@example.com` };
  await server(home, desk, "POST", `/users/${user}/authenticators`, mail);
  const addresses = [ada.username, mail.email].flatMap((own) => [own, own.replace("@", "+x@")]);

  const enter = async (who: Browser, client = page, address = ada.username, method = "OTP") => {
    const path = await appPath(client, method === "OTP" ? {} : { auth_method: method });
    await who.get(path);
    const answered = await who.post(path, { identifier: address });
    return answered.status === 303 ? (answered.location.split("?")[0] ?? "") : "";
  };

  async function attack(minute: number): Promise<void> {
    const who = at.browserAt(STRANGER);
    const check = await enter(who, blog, addresses[minute % 4], minute % 5 === 4 ? "MAGIC_LINK" : "OTP");
    const wrong = wrongFor(at.messages.at(-1)?.code);
    if (check !== "") for (let guess = 0; guess < 5; guess++) await who.post(check, { code: wrong });
    for (let time = 0; time < 4; time++) {
      await start(stranger, shop, person);
      const type = time % 2 === 0 ? "short" : "phrase";
      const code = type === "short" ? String(100_000 + minute * 10 + time) : `guess-${minute}-${time}`;
      await waitOn(stranger, web, ada, code, { ...byId, authentication_code: { code, type }, no_wait: true });
      seconds(5);
    }
    await stranger.call(
      "POST",
      "/v1/client/challenge/qr-code",
      { action: "kiosk" },
      {
        Authorization: `Basic ${btoa(`${bank.id}:`)}`,
      },
    );
  }

  /** The user refuses what they have not asked for. */
  async function denyStrangers(): Promise<void> {
    const shown = await prompt(home, shop, person);
    if (shown) await respond(home, shop, person, shown, false);
  }

  const signsItselfIn = async () => Boolean((await signInByPhone(home, shop, person)).body.oauth_token);
  const asksTheirPhone = async () => {
    const waiter = (await start(home, shop, person)).body;
    await respond(home, shop, person, (await prompt(home, shop, person)) ?? {}, true);
    return Boolean((await poll(home, shop, waiter)).body.oauth_token);
  };
  const isPushed = async () => {
    const { id, answer: begun } = await startPush(home, bank, person.id);
    return begun.status === 200 && (await answer(home, phone, id, true)).body.isVerified === true;
  };
  const getsBankCode = async () => {
    const { token } = (await track(home, desk, user, "signIn")).body;
    await home.call("POST", "/v1/client/challenge/email-otp", undefined, bearer(token));
    const body = { verificationCode: at.last().code };
    return (
      (await home.call("POST", "/v1/client/verify/email-otp", body, bearer(token))).body.isVerified === true
    );
  };
  const backendVerifies = async () => {
    const sent = await server(home, desk, "POST", "/challenge", { ...mail, action: "pay", userId: user });
    const body = { challengeId: sent.body.challengeId, verificationCode: at.last().code };
    return (await server(home, desk, "POST", "/verify", body)).body.isVerified === true;
  };
  const carriesCode = async () => {
    const code = await generated(home, backend, ada);
    await codes(home, backend, "authorize", ada, { body: { code } });
    const waited = await waitOn(home, web, ada, code, { ...byId, no_wait: true });
    return waited.body.is_authenticated === true;
  };
  const known = at.browserAt(HOME);
  const provesAgain = async () => {
    const check = await enter(known);
    const done = await known.post(check, { code: at.last().code ?? "" });
    return done.location.startsWith("myapp:");
  };
  const opensLink = async () => {
    const check = await enter(at.browserAt(HOME), page, ada.username, "MAGIC_LINK");
    const link = new URL(at.last().link ?? "https://none.example");
    const secret = link.searchParams.get("t") ?? "";
    const reader = at.browserAt("192.0.2.99");
    await reader.get(`${link.pathname}${link.search}`);
    return check !== "" && (await reader.post(link.pathname, { secret, decision: "approve" })).status === 200;
  };

  expect(await provesAgain()).toBe(true);
  for (let minute = 0; minute < HOURS * 60; minute++) {
    await attack(minute);
    if (minute % 3 === 0) await denyStrangers();
    if (minute % 15 === 14) {
      const ways = { signsItselfIn, isPushed, getsBankCode, backendVerifies, carriesCode, provesAgain };
      for (const [name, way] of Object.entries(ways))
        expect(await way(), `${name}, minute ${minute}`).toBe(true);
      expect(await asksTheirPhone(), `asksTheirPhone, minute ${minute}`).toBe(true);
    }
    if (minute % 30 === 29) expect(await opensLink(), `opensLink, minute ${minute}`).toBe(true);
    seconds(40);
  }
});
