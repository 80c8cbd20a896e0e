import { randomUUID } from "node:crypto";
import { UserActionState, Webhook } from "@authsignal/node";
import { afterAll, describe, expect, test } from "vitest";
import { ANDROID, browser, Device, IOS, makeTenant, receiver } from "../support/authsignal.ts";
import { place } from "../support/place.ts";

const hook = await receiver();
afterAll(() => void hook.close());

const user = () => `u|${randomUUID()}@example.test`;

describe.each([
  { mobile: IOS, namespace: "push" },
  { mobile: ANDROID, namespace: "push" },
  { mobile: IOS, namespace: "device" },
  { mobile: ANDROID, namespace: "device" },
] as const)(
  "$mobile.name, $namespace: the guide's path with the vendor's own server SDK",
  ({ mobile, namespace }) => {
    const enrolled = async () => {
      const tenant = await makeTenant(place(), { webhook_url: hook.url });
      const userId = user();
      const { token } = await tenant.sdk.track({
        userId,
        action: "addAuthenticator",
        attributes: { scope: "add:authenticators" },
      });
      const device = new Device(tenant, mobile, namespace);
      const added = await device.add(token);
      expect(added.status).toBe(200);
      expect(added.headers.get("Content-Type")).toBe("application/json");
      expect(added.body).toMatchObject({
        userAuthenticatorId: expect.any(String),
        userId,
        verifiedAt: expect.stringMatching(/Z$/),
      });
      return { tenant, userId, device, id: String(added.body.userAuthenticatorId) };
    };

    const started = async ({ tenant, userId }: Awaited<ReturnType<typeof enrolled>>) => {
      const tracked = await tenant.sdk.track({
        userId,
        action: "signIn",
        attributes: { custom: { amount: 12.5 }, userAgent: "Mozilla/5.0", ipAddress: "203.0.113.7" },
      });
      expect(tracked).toMatchObject({ state: "CHALLENGE_REQUIRED", isEnrolled: true });
      const page = browser(tenant, tracked.token);
      const begun = await page("/challenge/push", { action: "signIn" });
      expect(begun.status).toBe(200);
      const id = String(begun.body.challengeId);
      expect((await page("/verify/push", { challengeId: id })).json).toEqual({
        isVerified: false,
        isConsumed: false,
      });
      return { page, id, tracked };
    };

    test("approve: the SDK validates, and its constructEvent accepts our push.created", async () => {
      const person = await enrolled();
      const { tenant, userId, device, id: deviceId } = person;
      const { page, id, tracked } = await started(person);
      const told = hook.of("push.created").find(({ body }) => body.tenantId === tenant.id);
      const event = new Webhook(tenant.secret).constructEvent(
        told?.raw ?? "",
        String(told?.headers["x-signature-v2"]),
      );
      expect(event).toMatchObject({
        version: 1,
        source: "https://authsignal.com",
        type: "push.created",
        data: { challengeId: id, userId, idempotencyKey: tracked.idempotencyKey, actionCode: "signIn" },
      });
      expect((await device.get()).body).toMatchObject({ userAuthenticatorId: deviceId, userId });
      const shown = await device.pending();
      expect(shown.body).toMatchObject({
        userAuthenticatorId: deviceId,
        challengeId: id,
        userId,
        actionCode: "signIn",
        idempotencyKey: tracked.idempotencyKey,
        userAgent: "Mozilla/5.0",
        ipAddress: "203.0.113.7",
        custom: { amount: 12.5 },
        expiresAt: expect.any(Number),
      });
      expect(Number.isInteger(shown.body.expiresAt)).toBe(true);
      const bare = (await device.pending(false)).body;
      expect(bare).toMatchObject({ challengeId: id });
      expect(bare).not.toHaveProperty("custom");
      expect((await device.answer(id, true)).json).toEqual({ isVerified: true });
      const done = await page("/verify/push", { challengeId: id });
      expect(done.json).toEqual({ isVerified: true, isConsumed: true, accessToken: expect.any(String) });
      const valid = await tenant.sdk.validateChallenge({
        token: String(done.body.accessToken),
        action: "signIn",
        userId,
      });
      expect(valid).toMatchObject({
        isValid: true,
        state: "CHALLENGE_SUCCEEDED",
        userId,
        action: "signIn",
        idempotencyKey: tracked.idempotencyKey,
        verificationMethod: "PUSH",
      });
      expect((await device.pending()).json).toEqual({ userAuthenticatorId: deviceId });
      const replayed = await device.answer(id, true);
      expect([replayed.status, replayed.body.errorCode]).toEqual([400, "invalid_request"]);
    });

    test("decline: consumed and not verified; the backend sees CHALLENGE_FAILED", async () => {
      const person = await enrolled();
      const { tenant, userId, device } = person;
      const { page, id, tracked } = await started(person);
      expect((await device.answer(id, false)).json).toEqual({ isVerified: false });
      expect((await page("/verify/push", { challengeId: id })).json).toEqual({
        isVerified: false,
        isConsumed: true,
      });
      const valid = await tenant.sdk.validateChallenge({ token: tracked.token, action: "signIn", userId });
      expect(valid).toMatchObject({ isValid: false, state: "CHALLENGE_FAILED" });
      const action = await tenant.sdk.getAction({
        userId,
        action: "signIn",
        idempotencyKey: tracked.idempotencyKey,
      });
      expect(action).toMatchObject({ state: "CHALLENGE_FAILED" });
    });

    test("removing the credential: signed over the time window, and then it is unknown", async () => {
      const person = await enrolled();
      const { tenant, userId, device, id } = person;
      const stale = await device.remove(-3);
      expect([stale.status, stale.body.errorCode]).toEqual([400, "invalid_credential"]);
      expect((await device.remove(-1)).json).toEqual({ removedAuthenticatorId: id });
      const gone = await device.get();
      expect([gone.status, gone.body]).toEqual([
        400,
        {
          error: "invalid_credential",
          errorCode: "invalid_credential",
          errorDescription: expect.any(String),
        },
      ]);
      expect(await tenant.sdk.getAuthenticators({ userId })).toEqual([]);
    });
  },
);

test("the server SDK's other calls: users, authenticators, actions, and how it reads a refusal", async () => {
  const tenant = await makeTenant(place());
  const { sdk } = tenant;
  const userId = user();
  expect(await sdk.getUser({ userId })).toMatchObject({ isEnrolled: false });
  const email = `${randomUUID()}@example.test`;
  const attributes = { email, emailVerified: true, displayName: "Jane", custom: { tier: "gold" } };
  expect(await sdk.updateUser({ userId, attributes })).toMatchObject(attributes);
  // A2: what the backend has verified is a way to meet its actions, so a device is added by scope.
  expect(await sdk.getUser({ userId })).toMatchObject({ isEnrolled: true, ...attributes });
  const { token, idempotencyKey } = await sdk.track({
    userId,
    action: "pay",
    attributes: { scope: "add:authenticators" },
  });
  expect(
    await sdk.updateAction({
      userId,
      action: "pay",
      idempotencyKey,
      attributes: { state: UserActionState.REVIEW_FAILED },
    }),
  ).toEqual({ state: "REVIEW_FAILED" });
  expect(await sdk.validateChallenge({ token })).toMatchObject({ isValid: false, state: "REVIEW_FAILED" });
  const device = new Device(tenant, IOS, "push");
  const added = await device.add(token);
  const userAuthenticatorId = String(added.body.userAuthenticatorId);
  const mail = { userId, verificationMethod: "EMAIL_OTP", email };
  expect(await sdk.getAuthenticators({ userId })).toMatchObject([
    { userId, userAuthenticatorId, verificationMethod: "PUSH", displayName: "Jane's phone" },
    mail,
  ]);
  await sdk.deleteAuthenticator({ userId, userAuthenticatorId });
  expect(await sdk.getAuthenticators({ userId })).toMatchObject([mail]);
  await sdk.deleteUser({ userId });
  expect(await sdk.getUser({ userId })).toMatchObject({ isEnrolled: false });
  const unknown = sdk.getAction({ userId, action: "pay", idempotencyKey });
  await expect(unknown).rejects.toMatchObject({ statusCode: 404, errorCode: "not_found" });
});
