import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { makePerson, openShop, setToken, startShop, type Told, tenantOf } from "./authsignal-support.ts";
import type { Site } from "./verify-support.ts";

const place = { origin: inject("origin"), adminToken: inject("adminToken") };
/** What a page waits between two polls; the SDK's own default is three seconds. */
const POLL_MS = 100;

let site: Site;
beforeAll(async () => {
  site = await startShop();
});
afterAll(async () => {
  await site.close();
});

type Asked = {
  readonly action: string;
  readonly polling?: boolean;
  readonly custom?: Record<string, unknown>;
};

/** Has the SDK make a code to show; what it calls back with is in `told`. The answer is the challenge's id. */
async function show(page: Page, asked: Asked): Promise<string> {
  const answer = await page.evaluate(
    (given) =>
      window.shop.qrCode.challenge({
        ...given,
        onRefresh: (id) => window.told.push({ what: "refreshed", id }),
        onStateChange: (what, token) => window.told.push({ what, ...(token ? { token } : {}) }),
      }),
    { pollInterval: POLL_MS, ...asked },
  );
  expect(answer.data).toMatchObject({
    challengeId: expect.any(String),
    expiresAt: expect.stringMatching(/Z$/),
  });
  return String(answer.data?.challengeId);
}

const toldOf = (page: Page): Promise<readonly Told[]> => page.evaluate(() => window.told);
const untilTold = async (page: Page, what: string): Promise<Told> => {
  const find = async () => (await toldOf(page)).find((one) => one.what === what);
  await expect.poll(find, { timeout: 15_000 }).toBeDefined();
  return (await find()) as Told;
};

describe.each([
  { way: "a socket", polling: false, path: "/v1" },
  { way: "polling", polling: true, path: "/v1" },
  { way: "a socket, the base URL with a slash at its end", polling: false, path: "/v1/" },
  { way: "polling, the base URL with a slash at its end", polling: true, path: "/v1/" },
])("a QR code by the vendor's own browser SDK over $way", ({ polling, path }) => {
  test("without a token: whoever claims and approves it is signed in, and is shown no words but the client's", async () => {
    const tenant = await tenantOf(place, site, { actions: { kiosk: "challenge" } });
    const userId = randomUUID();
    const phone = await makePerson(tenant, userId, "qr-code");
    const { page, complaints, close } = await openShop(site, tenant, path);
    try {
      const id = await show(page, { action: "kiosk", polling, custom: { desk: 4 } });
      const { body } = await phone.claim(id);
      expect([body.actionCode, body.custom]).toEqual(["kiosk", undefined]);
      await untilTold(page, "claimed");
      expect((await phone.answer(id, true)).json).toEqual({ isVerified: true });
      const { token = "" } = await untilTold(page, "approved");
      expect(await tenant.sdk.validateChallenge({ token, action: "kiosk" })).toMatchObject({
        isValid: true,
        userId,
        verificationMethod: "DEVICE",
      });
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });
});

describe.each([
  { way: "a socket, which ends the code before", polling: false },
  { way: "polling", polling: true },
])("a QR code with a token over $way", ({ polling }) => {
  test("another code after nine minutes, and another when asked; the tracked user alone may claim it", async () => {
    const tenant = await tenantOf(place, site);
    const [userId, stranger] = [randomUUID(), randomUUID()];
    const phone = await makePerson(tenant, userId, "qr-code");
    const other = await makePerson(tenant, stranger, "qr-code");
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const { page, complaints, close } = await openShop(site, tenant);
    try {
      await page.clock.install();
      await setToken(page, token);
      const first = await show(page, { action: "signIn", polling });
      await page.clock.fastForward("09:01");
      const { id: second = "" } = await untilTold(page, "refreshed");
      await page.evaluate(() => {
        window.told = [];
        return window.shop.qrCode.refresh();
      });
      const { id: third = "" } = await untilTold(page, "refreshed");
      expect(new Set([first, second, third, ""]).size).toBe(4);
      // A poll's next start does not say which code it replaces.
      if (!polling) {
        await expect.poll(async () => (await phone.claim(first)).status).toBe(400);
        await expect.poll(async () => (await phone.claim(second)).status).toBe(400);
      }
      expect((await other.claim(third)).status).toBe(400);
      expect((await phone.claim(third)).status).toBe(200);
      await untilTold(page, "claimed");
      expect((await phone.answer(third, true)).json).toEqual({ isVerified: true });
      const { token: won = "" } = await untilTold(page, "approved");
      expect(await tenant.sdk.validateChallenge({ token: won, action: "signIn", userId })).toMatchObject({
        isValid: true,
        state: "CHALLENGE_SUCCEEDED",
      });
      expect(complaints).toEqual([]);
      // The action takes no challenge any more: the page is told so, and does not wait for ever.
      const late = await page.evaluate(
        (given) =>
          window.shop.qrCode
            .challenge({ ...given, onStateChange: () => undefined })
            .catch((cause: Error) => cause.message),
        { action: "signIn", polling },
      );
      if (polling) expect(late).toMatchObject({ errorCode: "invalid_request" });
      else expect(late).toContain("WebSocket connection error");
    } finally {
      await close();
    }
  });

  test("declined: told as rejected, and the backend sees CHALLENGE_FAILED", async () => {
    const tenant = await tenantOf(place, site);
    const userId = randomUUID();
    const phone = await makePerson(tenant, userId, "device");
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const { page, complaints, close } = await openShop(site, tenant);
    try {
      await setToken(page, token);
      const id = await show(page, { action: "signIn", polling });
      expect((await phone.claim(id)).status).toBe(200);
      expect((await phone.answer(id, false)).json).toEqual({ isVerified: false });
      await untilTold(page, "rejected");
      expect((await toldOf(page)).filter(({ what }) => what === "approved")).toEqual([]);
      expect(await tenant.sdk.validateChallenge({ token })).toMatchObject({
        isValid: false,
        state: "CHALLENGE_FAILED",
      });
      // A page that shows the next code ends the socket of the one before.
      await setToken(page, (await tenant.sdk.track({ userId, action: "signIn" })).token);
      expect(await show(page, { action: "signIn", polling })).not.toBe(id);
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });
});
