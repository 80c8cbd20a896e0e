import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { makeTenant, receiver } from "../wire/support/authsignal.ts";
import { makePerson, openShop, setToken, startShop, tenantOf } from "./authsignal-support.ts";
import type { Site } from "./verify-support.ts";

const place = { origin: inject("origin"), adminToken: inject("adminToken") };
const user = () => `u|${randomUUID()}@example.test`;

let site: Site;
beforeAll(async () => {
  site = await startShop();
});
afterAll(async () => {
  await site.close();
});

describe("push, by the vendor's own browser SDK in a browser", () => {
  test("approved: the phone is told which browser asks, the page has its token, the server SDK validates it", async () => {
    const tenant = await tenantOf(place, site);
    const userId = user();
    const phone = await makePerson(tenant, userId);
    const { page, complaints, preflights, close } = await openShop(site, tenant);
    try {
      const deviceId = await page.evaluate(() => window.shop.anonymousId);
      const { token } = await tenant.sdk.track({ userId, action: "signIn", attributes: { deviceId } });
      await setToken(page, token);
      const started = await page.evaluate(() => window.shop.push.challenge({ action: "signIn" }));
      const challengeId = String(started.data?.challengeId);
      const poll = () => page.evaluate((id) => window.shop.push.verify({ challengeId: id }), challengeId);
      expect(await poll()).toEqual({ data: { isVerified: false, isConsumed: false } });
      expect((await phone.pending()).body).toMatchObject({ challengeId, userId, deviceId });
      expect((await phone.answer(challengeId, true)).json).toEqual({ isVerified: true });
      const approved = await poll();
      // The SDK turns `accessToken` into `token`; its declarations of this version do not say so.
      const data = approved.data as unknown as { token: string };
      expect(approved).toEqual({ data: { isVerified: true, isConsumed: true, token: expect.any(String) } });
      const again = (await poll()).data as unknown as { token: string };
      expect(decodeJwt(again.token)).toEqual(decodeJwt(data.token));
      expect(
        await tenant.sdk.validateChallenge({ token: data.token, action: "signIn", userId }),
      ).toMatchObject({ isValid: true, state: "CHALLENGE_SUCCEEDED", verificationMethod: "PUSH" });
      expect(preflights).toContainEqual({ path: "/v1/client/challenge/push", status: 204 });
      expect(preflights).toContainEqual({ path: "/v1/client/verify/push", status: 204 });
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  test("declined: consumed, not verified, and the same token may ask again", async () => {
    const tenant = await tenantOf(place, site);
    const userId = user();
    const phone = await makePerson(tenant, userId);
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const { page, complaints, close } = await openShop(site, tenant);
    try {
      await setToken(page, token);
      const ask = () => page.evaluate(() => window.shop.push.challenge({ action: "signIn" }));
      const poll = (id: string) =>
        page.evaluate((challengeId) => window.shop.push.verify({ challengeId }), id);
      const first = String((await ask()).data?.challengeId);
      expect((await phone.answer(first, false)).json).toEqual({ isVerified: false });
      expect(await poll(first)).toEqual({ data: { isVerified: false, isConsumed: true } });
      const failed = await tenant.sdk.validateChallenge({ token, userId });
      expect(failed).toMatchObject({ isValid: false, state: "CHALLENGE_FAILED" });
      const second = String((await ask()).data?.challengeId);
      expect((await phone.answer(second, true)).json).toEqual({ isVerified: true });
      expect(await poll(second)).toMatchObject({ data: { isVerified: true } });
      expect(await tenant.sdk.validateChallenge({ token, userId })).toMatchObject({ isValid: true });
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  test("T01 the fifth prompt of one client within a minute: the SDK says too_many_requests", async () => {
    const tenant = await tenantOf(place, site);
    const userId = user();
    await makePerson(tenant, userId);
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const { page, close } = await openShop(site, tenant);
    try {
      await setToken(page, token);
      const answers = await page.evaluate(async () => {
        const all = [];
        for (let n = 0; n < 5; n++) all.push(await window.shop.push.challenge({ action: "signIn" }));
        return all;
      });
      expect(answers.slice(0, 4).map(({ data }) => typeof data?.challengeId)).toEqual(
        Array(4).fill("string"),
      );
      expect(answers[4]).toMatchObject({ errorCode: "too_many_requests" });
    } finally {
      await close();
    }
  });
});

describe("refusals as the SDK reads them", () => {
  test("a code and a sentence for each, and no exception", async () => {
    const [tenant, other] = await Promise.all([tenantOf(place, site), tenantOf(place, site)]);
    const [userId, stranger] = [user(), user()];
    await Promise.all([makePerson(tenant, userId), makePerson(other, stranger)]);
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const bare = await tenant.sdk.track({ userId: user(), action: "signIn" });
    const foreign = await other.sdk.track({ userId: stranger, action: "signIn" });
    const { page, close } = await openShop(site, tenant);
    try {
      const start = (action: string) =>
        page.evaluate((name) => window.shop.push.challenge({ action: name }), action);
      expect(await start("signIn")).toMatchObject({ errorCode: "token_not_set" });
      await setToken(page, foreign.token);
      const theirs = String((await start("signIn")).data?.challengeId);
      await setToken(page, token);
      const refused = (errorCode: string) => ({
        error: expect.stringMatching(/\w/),
        errorCode,
        errorDescription: expect.stringMatching(/\w/),
      });
      expect(await start("pay")).toEqual(refused("invalid_request"));
      expect(await page.evaluate((challengeId) => window.shop.push.verify({ challengeId }), theirs)).toEqual(
        refused("invalid_request"),
      );
      expect(await page.evaluate(() => window.shop.sms.challenge())).toEqual(refused("invalid_request"));
      // What this door does not serve is an answer too.
      const absent = await page.evaluate(
        (tracked) =>
          Promise.all([
            window.shop.totp.enroll(),
            window.shop.totp.verify({ code: "123456" }),
            window.shop.securityKey.enroll(),
            window.shop.securityKey.verify(),
            window.shop.passkey.signUp({ token: tracked, username: "ada" }),
            window.shop.passkey.signIn({ token: tracked }),
          ]),
        token,
      );
      expect(absent).toEqual(Array(6).fill(refused("not_found")));
      await setToken(page, bare.token);
      expect(await start("signIn")).toEqual(refused("invalid_request"));
      await setToken(page, "not.a.token");
      expect(await start("signIn")).toEqual(refused("unauthorized"));
      await setToken(page, "");
      const polled = await page.evaluate(() =>
        window.shop.qrCode.challenge({ action: "a b", polling: true, onStateChange: () => undefined }),
      );
      expect(polled).toEqual(refused("invalid_request"));
      expect(await page.evaluate(() => window.told)).toEqual([]);
    } finally {
      await close();
    }
  });

  test("a webhook that takes no push: webhook_failed, which the page can read across origins", async () => {
    const deaf = await receiver(() => 500);
    const tenant = await makeTenant(place, { webhook_url: deaf.url, allowed_origins: [site.origin] });
    const userId = user();
    await makePerson(tenant, userId);
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const { page, close } = await openShop(site, tenant);
    try {
      await setToken(page, token);
      const refused = await page.evaluate(() => window.shop.push.challenge({ action: "signIn" }));
      expect(refused).toMatchObject({ errorCode: "webhook_failed", errorDescription: expect.any(String) });
    } finally {
      await close();
      deaf.close();
    }
  });

  test("a token that has ended: onTokenExpired for every call but QR's", async () => {
    const tenant = await tenantOf(place, site, { access_token_seconds: 1 });
    const { page, close } = await openShop(site, tenant);
    try {
      const { token } = await tenant.sdk.track({ userId: user(), action: "signIn" });
      await setToken(page, token);
      // As an app polls: until the token's end.
      await expect
        .poll(() => page.evaluate(async () => (await window.shop.email.challenge()).errorCode), {
          timeout: 15_000,
        })
        .toBe("expired_token");
      await page.evaluate(() => {
        window.told = [];
      });
      const answers = await page.evaluate(() =>
        Promise.all([
          window.shop.push.challenge({ action: "signIn" }),
          window.shop.push.verify({ challengeId: "any" }),
          window.shop.email.enroll({ email: "ada@example.com" }),
          window.shop.sms.verify({ code: "123456" }),
          window.shop.whatsapp.challenge(),
          window.shop.emailML.challenge(),
        ]),
      );
      expect(answers.map(({ errorCode }) => errorCode)).toEqual(Array(6).fill("expired_token"));
      expect(await page.evaluate(() => window.told)).toEqual(Array(6).fill({ what: "expired" }));
      const qr = await page.evaluate(() =>
        window.shop.qrCode.challenge({ action: "signIn", polling: true, onStateChange: () => undefined }),
      );
      expect(qr).toMatchObject({ errorCode: "expired_token" });
      expect(await page.evaluate(() => window.told)).toHaveLength(6);
    } finally {
      await close();
    }
  });

  test("a page of an origin that the client does not list reads no answer and opens no socket", async () => {
    const tenant = await tenantOf(place, site);
    const userId = user();
    await makePerson(tenant, userId);
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const elsewhere = await startShop();
    const { page, complaints, close } = await openShop(elsewhere, tenant);
    try {
      await setToken(page, token);
      const failure = (work: string) =>
        page.evaluate(
          (name) =>
            (name === "push"
              ? window.shop.push.challenge({ action: "signIn" })
              : window.shop.qrCode.challenge({ action: "signIn", onStateChange: () => undefined })
            ).then(
              () => "answered",
              (cause: Error) => cause.message,
            ),
          work,
        );
      expect(await failure("push")).toBe("Failed to fetch");
      expect(await failure("qr")).toContain("WebSocket connection error");
      expect(complaints.some((text) => text.includes("blocked by CORS policy"))).toBe(true);
    } finally {
      await close();
      await elsewhere.close();
    }
  });
});

describe("launch, which needs the hosted page that this door has not", () => {
  test("by redirect and in a window the address of a track answer says so; in a popup it is not shown", async () => {
    const tenant = await tenantOf(place, site);
    const { url } = await tenant.sdk.track({ userId: user(), action: "signIn" });
    const { page, close } = await openShop(site, tenant);
    try {
      const [opened] = await Promise.all([
        page.context().waitForEvent("page"),
        page.evaluate((to) => void window.shop.launch(to, { mode: "window" }), url),
      ]);
      await opened.getByText("This deployment has no hosted page").waitFor();
      expect(new URL(opened.url()).searchParams.get("mode")).toBe("popup");
      // No page frames this server's answers, so that in a popup there is nothing to see.
      await page.evaluate((to) => void window.shop.launch(to, { mode: "popup" }), url);
      await expect
        .poll(() => page.frames().map((frame) => frame.url()))
        .toContain("chrome-error://chromewebdata/");
      await page.evaluate((to) => window.shop.launch(to), url);
      await page.getByText("This deployment has no hosted page").waitFor();
    } finally {
      await close();
    }
  });
});
