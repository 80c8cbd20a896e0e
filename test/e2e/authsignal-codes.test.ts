import { randomInt, randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openShop, setToken, startShop, tenantOf } from "./authsignal-support.ts";
import { openPage } from "./browser.ts";
import { lastSent, newest, type Site } from "./verify-support.ts";

const place = { origin: inject("origin"), adminToken: inject("adminToken") };
const wrongFor = (code: string) => (code === "000000" ? "111111" : "000000");
const freshEmail = () => `ada-${randomUUID()}@example.com`;
const freshNumber = () => `+4915${String(randomInt(1e9)).padStart(9, "0")}`;

let site: Site;
beforeAll(async () => {
  site = await startShop();
});
afterAll(async () => {
  await site.close();
});

type Way = "email" | "sms" | "whatsapp";
const challenge = (page: Page, way: Way) => page.evaluate((name) => window.shop[name].challenge(), way);
const verify = (page: Page, way: Way, code: string) =>
  page.evaluate(([name, typed]) => window.shop[name].verify({ code: typed }), [way, code] as const);

const MISS = { data: { isVerified: false, failureReason: "CODE_INVALID_OR_EXPIRED" } };

describe("codes, by the vendor's own browser SDK in a browser", () => {
  test("e-mail enrolled, then a number with the token that the SDK took over; each meets a sign-in", async () => {
    const tenant = await tenantOf(place, site);
    const userId = `u|${randomUUID()}`;
    const [email, phoneNumber] = [freshEmail(), freshNumber()];
    const { page, complaints, close } = await openShop(site, tenant);
    try {
      const first = await tenant.sdk.track({ userId, action: "enrol" });
      await setToken(page, first.token);
      const begun = await page.evaluate((to) => window.shop.email.enroll({ email: to }), email);
      expect(begun).toEqual({ data: { userAuthenticatorId: expect.any(String), userId } });
      const added = await verify(page, "email", (await newest(place, email)).code);
      expect(added.data).toMatchObject({
        isVerified: true,
        token: expect.any(String),
        userAuthenticator: { verificationMethod: "EMAIL_OTP", email },
      });
      // A second way takes the scope that the token of the first verification has, and the tracked one lacks.
      const second = await page.evaluate((to) => window.shop.sms.enroll({ phoneNumber: to }), phoneNumber);
      expect(second).toEqual({ data: { userAuthenticatorId: expect.any(String), userId } });
      const number = await verify(page, "sms", (await newest(place, phoneNumber)).code);
      expect(number.data).toMatchObject({
        isVerified: true,
        userAuthenticator: { verificationMethod: "SMS", phoneNumber },
      });
      await setToken(page, first.token);
      const unscoped = await page.evaluate(
        (to) => window.shop.sms.enroll({ phoneNumber: to }),
        freshNumber(),
      );
      expect(unscoped).toMatchObject({ errorCode: "unauthorized" });

      for (const [way, to, word] of [
        ["email", email, "EMAIL_OTP"],
        ["sms", phoneNumber, "SMS"],
        ["whatsapp", phoneNumber, "WHATSAPP"],
      ] as const) {
        const { token } = await tenant.sdk.track({ userId, action: "signIn" });
        await setToken(page, token);
        const before = await lastSent(place, to);
        const asked = await challenge(page, way);
        expect(asked).toEqual({ data: { challengeId: expect.any(String) } });
        const old = await newest(place, to, before);
        expect(await verify(page, way, wrongFor(old.code))).toEqual(MISS);
        expect(await challenge(page, way)).toEqual(asked);
        expect((await newest(place, to, old)).channel).toBe(way);
        // Either of the last two is taken.
        const met = await verify(page, way, old.code);
        expect(met).toEqual({ data: { isVerified: true, token: expect.any(String) } });
        expect(
          await tenant.sdk.validateChallenge({ token: String(met.data?.token), action: "signIn", userId }),
        ).toMatchObject({ isValid: true, verificationMethod: word });
      }
      expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
    } finally {
      await close();
    }
  });

  test("T60 A14 the fifth wrong code: the SDK is told that it was, and the action has failed", async () => {
    const tenant = await tenantOf(place, site);
    const userId = `u|${randomUUID()}`;
    const email = freshEmail();
    await tenant.sdk.enrollVerifiedAuthenticator({
      userId,
      attributes: { verificationMethod: "EMAIL_OTP" as never, email },
    });
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const { page, close } = await openShop(site, tenant);
    try {
      await setToken(page, token);
      await challenge(page, "email");
      const { code } = await newest(place, email);
      for (let n = 0; n < 4; n++) expect(await verify(page, "email", wrongFor(code))).toEqual(MISS);
      const over = { data: { isVerified: false, failureReason: "MAX_ATTEMPTS_EXCEEDED" } };
      expect(await verify(page, "email", wrongFor(code))).toEqual(over);
      expect(await verify(page, "email", code)).toEqual(over);
      expect(await tenant.sdk.validateChallenge({ token, userId })).toMatchObject({
        isValid: false,
        state: "CHALLENGE_FAILED",
      });
    } finally {
      await close();
    }
  });

  test("a magic link: enrolled and used by choosing yes in another browser; a denial is told as not verified", async () => {
    const tenant = await tenantOf(place, site);
    const userId = `u|${randomUUID()}`;
    const email = freshEmail();
    const { page, complaints, close } = await openShop(site, tenant);
    const reader = await openPage();
    let read: Awaited<ReturnType<typeof newest>> | undefined;
    const choose = async (word: string) => {
      read = await newest(place, email, read, "link");
      await reader.page.goto(read.link);
      await reader.page.getByLabel(word).check();
      await reader.page.getByRole("button", { name: "Continue" }).click();
      await reader.page.getByLabel(word).waitFor({ state: "detached" });
    };
    const wait = () => page.evaluate(() => window.shop.emailML.checkVerificationStatus());
    try {
      await setToken(page, (await tenant.sdk.track({ userId, action: "enrol" })).token);
      const begun = await page.evaluate((to) => window.shop.emailML.enroll({ email: to }), email);
      expect(begun).toEqual({ data: { userAuthenticatorId: expect.any(String), userId } });
      const [added] = await Promise.all([wait(), choose("Yes, it was me")]);
      expect(added.data).toMatchObject({ isVerified: true, userAuthenticator: { email } });

      const { token } = await tenant.sdk.track({ userId, action: "signIn" });
      await setToken(page, token);
      const ask = () => page.evaluate(() => window.shop.emailML.challenge());
      expect(await ask()).toEqual({ data: { challengeId: expect.any(String) } });
      const [met] = await Promise.all([wait(), choose("Yes, it was me")]);
      expect(met).toEqual({ data: { isVerified: true, token: expect.any(String) } });
      expect(
        await tenant.sdk.validateChallenge({ token: String(met.data?.token), action: "signIn", userId }),
      ).toMatchObject({ isValid: true, verificationMethod: "EMAIL_MAGIC_LINK" });

      const denied = await tenant.sdk.track({ userId, action: "signIn" });
      await setToken(page, denied.token);
      await ask();
      await choose("No, it was not me");
      expect(await tenant.sdk.validateChallenge({ token: denied.token, userId })).toMatchObject({
        isValid: false,
        state: "CHALLENGE_FAILED",
      });
      const [poll] = await Promise.all([
        page.waitForResponse((answer) => answer.url().endsWith("/finalize")),
        page.evaluate(() => void window.shop.emailML.checkVerificationStatus()),
      ]);
      expect([poll.status(), await poll.json()]).toEqual([200, { isVerified: false }]);
      expect(complaints).toEqual([]);
    } finally {
      await close();
      await reader.close();
    }
  });
});
