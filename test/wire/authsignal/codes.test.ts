import { randomInt, randomUUID } from "node:crypto";
import { Webhook } from "@authsignal/node";
import { afterAll, describe, expect, test } from "vitest";
import { type Answer, makeApi } from "../support/api.ts";
import { ANDROID, Device, makeTenant, receiver, type Tenant } from "../support/authsignal.ts";
import { newestTo, sentTo } from "../support/outbox.ts";
import { place } from "../support/place.ts";

const hook = await receiver();
afterAll(() => void hook.close());

const JSON_TYPE = "application/json";

/** Browser SDK 1.16.0: a JSON content type on every call, a body only where the method has arguments. */
function sdk({ origin }: Tenant, member: "email" | "phoneNumber", path: string) {
  let token = "";
  const call = (to: string, body?: Readonly<Record<string, string>>): Promise<Answer> =>
    makeApi(origin, {
      Authorization: `Bearer ${token}`,
      "Content-Type": JSON_TYPE,
      Origin: "https://shop.example",
    })("POST", `/v1/client${to}`, body === undefined ? {} : { raw: JSON.stringify(body) });
  return {
    setToken: (next: string) => {
      token = next;
    },
    enroll: (address: string) => call(`/user-authenticators/${path}`, { [member]: address }),
    challenge: () => call(`/challenge/${path}`),
    /** As the SDK does, the new token takes the old one's place. */
    async verify(verificationCode: string) {
      const answer = await call(`/verify/${path}`, { verificationCode });
      if (typeof answer.body.accessToken === "string") token = answer.body.accessToken;
      return answer;
    },
  };
}

const outbox = () => makeApi(place().origin);

describe.each([
  {
    name: "email",
    member: "email",
    path: "email-otp",
    word: "EMAIL_OTP",
    address: () => `${randomUUID()}@example.com`,
  },
  {
    name: "sms",
    member: "phoneNumber",
    path: "sms",
    word: "SMS",
    address: () => `+4915${String(randomInt(1e9)).padStart(9, "0")}`,
  },
] as const)("$name as the browser SDK sends it, validated by the vendor's server SDK", (way) => {
  const { word, member } = way;
  const settings = { webhook_events: ["authenticator.created"] };
  const shop = () =>
    makeTenant(place(), { webhook_url: hook.url, settings, allowed_origins: ["https://shop.example"] });

  test("enroll, verify, challenge, verify, validate; a decline of a wrong code", async () => {
    const tenant = await shop();
    const userId = `u|${randomUUID()}`;
    const address = way.address();
    const page = sdk(tenant, member, way.path);
    const first = await tenant.sdk.track({ userId, action: "enrol", attributes: {} });
    expect(first).toMatchObject({ state: "ALLOW", isEnrolled: false });
    page.setToken(first.token);
    const begun = await page.enroll(address);
    expect(begun.body).toEqual({ userAuthenticatorId: expect.any(String), userId });
    expect(begun.headers.get("Content-Type")).toBe(JSON_TYPE);
    expect(begun.headers.get("Access-Control-Allow-Origin")).toBe("https://shop.example");
    const enrolled = await newestTo(outbox(), address);
    const added = await page.verify(enrolled.code);
    expect(added.body).toMatchObject({
      isVerified: true,
      accessToken: expect.any(String),
      userAuthenticator: { userAuthenticatorId: begun.body.userAuthenticatorId, verificationMethod: word },
    });
    const list = await tenant.sdk.getAuthenticators({ userId });
    expect(list).toMatchObject([{ verificationMethod: word, [member]: address }]);
    await expect
      .poll(() => hook.of("authenticator.created").map(({ body }) => body.tenantId))
      .toContain(tenant.id);

    const tracked = await tenant.sdk.track({ userId, action: "signIn", attributes: {} });
    expect(tracked).toMatchObject({ state: "CHALLENGE_REQUIRED", enrolledVerificationMethods: [word] });
    page.setToken(tracked.token);
    const challenged = await page.challenge();
    expect([challenged.status, challenged.json]).toEqual([200, { challengeId: expect.any(String) }]);
    const { code } = await newestTo(outbox(), address, enrolled);
    const wrong = await page.verify(code === "000000" ? "111111" : "000000");
    expect([wrong.status, wrong.json]).toEqual([
      200,
      { isVerified: false, failureReason: "CODE_INVALID_OR_EXPIRED" },
    ]);
    const met = await page.verify(code);
    expect(met.json).toEqual({ isVerified: true, accessToken: expect.any(String) });
    const valid = await tenant.sdk.validateChallenge({
      token: String(met.body.accessToken),
      action: "signIn",
      userId,
    });
    expect(valid).toMatchObject({
      isValid: true,
      state: "CHALLENGE_SUCCEEDED",
      userId,
      action: "signIn",
      idempotencyKey: tracked.idempotencyKey,
      verificationMethod: word,
    });
    await tenant.sdk.deleteAuthenticator({
      userId,
      userAuthenticatorId: String(begun.body.userAuthenticatorId),
    });
    expect(await tenant.sdk.getUser({ userId })).toMatchObject({ isEnrolled: false });
  });
});

test("the client's webhook sends the code: constructEvent accepts email.created, and the outbox has nothing", async () => {
  const settings = { webhook_events: ["email.created"] };
  const tenant = await makeTenant(place(), { webhook_url: hook.url, settings });
  const userId = `u|${randomUUID()}`;
  const address = `${randomUUID()}@example.com`;
  const attributes = { locale: "de", userAgent: "Mozilla/5.0", ipAddress: "203.0.113.7" };
  const { token, idempotencyKey } = await tenant.sdk.track({ userId, action: "enrol", attributes });
  const page = sdk(tenant, "email", "email-otp");
  page.setToken(token);
  expect((await page.enroll(address)).status).toBe(200);
  const told = hook.of("email.created").find(({ body }) => body.tenantId === tenant.id);
  const event = new Webhook(tenant.secret).constructEvent(
    told?.raw ?? "",
    String(told?.headers["x-signature-v2"]),
  );
  expect(event).toMatchObject({
    version: 1,
    source: "https://authsignal.com",
    type: "email.created",
    data: {
      to: address,
      code: expect.stringMatching(/^\d{6}$/),
      userId,
      idempotencyKey,
      actionCode: "enrol",
      verificationMethod: "EMAIL_OTP",
      ...attributes,
    },
  });
  expect(await sentTo(outbox(), address)).toEqual([]);
  expect((await page.verify(String(event.data.code))).body).toMatchObject({ isVerified: true });
});

test("a webhook that does not take the code: 502, and nothing waits for it", async () => {
  const deaf = await receiver(() => 500);
  const settings = { webhook_events: ["email.created"] };
  const tenant = await makeTenant(place(), { webhook_url: deaf.url, settings });
  const { token } = await tenant.sdk.track({ userId: randomUUID(), action: "enrol", attributes: {} });
  const page = sdk(tenant, "email", "email-otp");
  page.setToken(token);
  const refused = await page.enroll(`${randomUUID()}@example.com`);
  expect([refused.status, refused.body.errorCode]).toEqual([502, "webhook_failed"]);
  const [told] = deaf.of("email.created");
  const { code = "" } = (told?.body.data ?? {}) as { code?: string };
  expect(code).toMatch(/^\d{6}$/);
  expect((await page.verify(code)).body).toMatchObject({ isVerified: false });
  deaf.close();
});

test("a phone's SDK reads the same answers: exactly 200, an object, the members that it demands", async () => {
  const tenant = await makeTenant(place());
  const address = `${randomUUID()}@example.com`;
  const { token } = await tenant.sdk.track({ userId: randomUUID(), action: "enrol", attributes: {} });
  const phone = new Device(tenant, ANDROID, "push");
  const as = { Authorization: `Bearer ${token}` };
  const begun = await phone.call("POST", "/user-authenticators/email-otp", { email: address }, as);
  expect([begun.status, begun.body.userAuthenticatorId]).toEqual([200, expect.any(String)]);
  const { code } = await newestTo(outbox(), address);
  const done = await phone.call("POST", "/verify/email-otp", { verificationCode: code }, as);
  expect([done.status, done.body.isVerified, done.body.accessToken]).toEqual([200, true, expect.any(String)]);
});

test("T68 emailML as the browser SDK sends it: the link is looked at five times, confirmed by a choice, collected by the poll", async () => {
  const tenant = await makeTenant(place());
  const userId = `u|${randomUUID()}`;
  const email = `${randomUUID()}@example.com`;
  const { token } = await tenant.sdk.track({ userId, action: "enrol", attributes: {} });
  const api = makeApi(tenant.origin, { Authorization: `Bearer ${token}`, "Content-Type": JSON_TYPE });
  const page = (path: string, body: object) =>
    api("POST", `/v1/client${path}`, { raw: JSON.stringify(body) });
  const poll = () => page("/verify/email-magic-link/finalize", {});
  const begun = await page("/user-authenticators/email-magic-link", { email });
  expect(begun.body).toEqual({ userAuthenticatorId: expect.any(String), userId });
  const url = new URL((await newestTo(outbox(), email, undefined, "link")).link);
  for (const method of ["GET", "HEAD", "GET", "HEAD", "GET"]) {
    expect((await fetch(url, { method })).status).toBe(200);
  }
  expect([(await poll()).status, (await poll()).json]).toEqual([200, { isVerified: false }]);
  const html = await (await fetch(url)).text();
  const action = /<form class="decide" method="post" action="([^"]*)"/.exec(html)?.[1] ?? "";
  const secret = /name="secret" value="([^"]*)"/.exec(html)?.[1] ?? "";
  const press = (fields: Readonly<Record<string, string>>) =>
    fetch(new URL(action, url), {
      method: "POST",
      headers: { Origin: "null", "Sec-Fetch-Site": "same-origin" },
      body: new URLSearchParams({ secret, ...fields }),
    });
  // A scanner that presses the button as it stands says neither yes nor no.
  expect((await press({})).status).toBe(422);
  expect((await poll()).json).toEqual({ isVerified: false });
  expect((await press({ decision: "approve" })).status).toBe(200);
  const done = await poll();
  expect(done.body).toMatchObject({ isVerified: true, userAuthenticator: { email } });
  const accessToken = String(done.body.accessToken);
  expect(await tenant.sdk.validateChallenge({ token: accessToken, action: "enrol", userId })).toMatchObject({
    isValid: true,
    verificationMethod: "EMAIL_MAGIC_LINK",
  });
  const later = await fetch(url);
  expect([later.status, (await later.text()).includes("You have confirmed this already")]).toEqual([
    200,
    true,
  ]);
});
