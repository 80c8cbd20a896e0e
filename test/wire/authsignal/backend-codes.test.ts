import { randomUUID } from "node:crypto";
import { SmsChannel, UserActionState, VerificationMethod } from "@authsignal/node";
import { expect, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { makeTenant } from "../support/authsignal.ts";
import { loseAnswer } from "../support/lost-answer.ts";
import { newestTo, sentTo } from "../support/outbox.ts";
import { place } from "../support/place.ts";

const mail = () => `jo-${randomUUID()}@example.test`;
const number = () => `+64272${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`;
const user = () => `u|${randomUUID()}@example.test`;

const outbox = () => makeApi(place().origin);

const wrongFor = (code: string) => (code === "000000" ? "111111" : "000000");

test.each([
  { word: "EMAIL_OTP", member: "email", address: mail, more: {} },
  { word: "SMS", member: "phoneNumber", address: number, more: { smsChannel: SmsChannel.DEFAULT } },
  { word: "WHATSAPP", member: "phoneNumber", address: number, more: {} },
] as const)("$word: sign-in with an address alone, by the vendor's own SDK", async (way) => {
  const { sdk } = await makeTenant(place());
  const to = way.address();
  const asked = { verificationMethod: way.word, action: "signIn", [way.member]: to, ...way.more };
  const { challengeId, idempotencyKey, expiresAt } = await sdk.challenge(asked);
  expect(expiresAt).toBeGreaterThan(Date.now() / 1_000);
  expect(await sdk.getChallenge({ challengeId })).toMatchObject({ challengeId, [way.member]: to });
  const { code: verificationCode } = await newestTo(outbox(), to);
  expect(await sdk.verify({ challengeId, verificationCode: wrongFor(verificationCode) })).toEqual({
    isVerified: false,
    failureReason: "CODE_INVALID_OR_EXPIRED",
  });
  for (let times = 0; times < 2; times++) {
    expect(await sdk.verify({ challengeId, verificationCode })).toEqual({
      isVerified: true,
      [way.member]: to,
      verificationMethod: way.word,
    });
  }
  const userId = user();
  const { token, verificationMethod } = await sdk.claimChallenge({ challengeId, userId });
  expect(verificationMethod).toBe(way.word);
  expect(await sdk.validateChallenge({ token, userId, action: "signIn" })).toMatchObject({
    isValid: true,
    state: UserActionState.CHALLENGE_SUCCEEDED,
    userId,
    idempotencyKey,
  });
  await expect(sdk.claimChallenge({ challengeId, userId: user() })).rejects.toMatchObject({
    statusCode: 400,
  });
});

test("a user's action is met by a code to the address that the backend has enrolled", async () => {
  const { sdk } = await makeTenant(place());
  const [userId, email] = [user(), mail()];
  const { authenticator } = await sdk.enrollVerifiedAuthenticator({
    userId,
    attributes: { verificationMethod: VerificationMethod.EMAIL_OTP, email },
  });
  expect(await sdk.getAuthenticators({ userId })).toEqual([authenticator]);
  const found = await sdk.queryUsers({ email });
  expect(found.users).toMatchObject([{ userId, email, emailVerified: true }]);
  const action = "pay";
  const { challengeId, idempotencyKey } = await sdk.challenge({
    verificationMethod: "EMAIL_OTP",
    action,
    userId,
    idempotencyKey: randomUUID(),
  });
  const { code: verificationCode } = await newestTo(outbox(), email);
  expect((await sdk.verify({ challengeId, verificationCode })).isVerified).toBe(true);
  expect(await sdk.getAction({ userId, action, idempotencyKey })).toMatchObject({
    state: "CHALLENGE_SUCCEEDED",
    verificationMethod: "EMAIL_OTP",
  });
  expect(await sdk.getChallenge({ userId, action })).toMatchObject({
    challengeId,
    verificationMethod: "EMAIL_OTP",
  });
  await expect(
    sdk.challenge({ verificationMethod: "EMAIL_OTP", action, userId, email: mail() }),
  ).rejects.toMatchObject({ statusCode: 400, errorCode: "invalid_request" });
});

test("five wrong codes end it, and the next start is taken", async () => {
  const { sdk } = await makeTenant(place());
  const email = mail();
  const asked = { verificationMethod: "EMAIL_OTP", action: "signIn", email } as const;
  const { challengeId } = await sdk.challenge(asked);
  const sent = await newestTo(outbox(), email);
  const { code } = sent;
  const reasons: unknown[] = [];
  for (let guess = 0; guess < 5; guess++) {
    const { failureReason } = await sdk.verify({ challengeId, verificationCode: wrongFor(code) });
    reasons.push(failureReason);
  }
  expect(reasons.at(-1)).toBe("MAX_ATTEMPTS_EXCEEDED");
  expect((await sdk.verify({ challengeId, verificationCode: code })).isVerified).toBe(false);
  expect(await sdk.getChallenge({ challengeId })).toEqual({});
  const next = await sdk.challenge(asked);
  const fresh = await newestTo(outbox(), email, sent);
  expect((await sdk.verify({ ...next, verificationCode: fresh.code })).isVerified).toBe(true);
});

test("a call whose answer was lost is repeated: one challenge, one message, and its code is good", async () => {
  const tenant = await makeTenant(place());
  const email = mail();
  const asked = {
    verificationMethod: "EMAIL_OTP",
    action: "signIn",
    email,
    idempotencyKey: randomUUID(),
  } as const;
  const headers = {
    Authorization: `Basic ${Buffer.from(`${tenant.secret}:`).toString("base64")}`,
    "Content-Type": "application/json",
  };
  const lost = await loseAnswer(`${tenant.origin}/v1/challenge`, headers, {
    method: "POST",
    body: JSON.stringify(asked),
  });
  expect(lost).toBe(200);
  const { code: verificationCode } = await newestTo(outbox(), email);
  const { challengeId } = await tenant.sdk.challenge(asked);
  expect(await sentTo(outbox(), email)).toHaveLength(1);
  expect((await tenant.sdk.verify({ challengeId, verificationCode })).isVerified).toBe(true);
});

test("all users, page by page", async () => {
  const { sdk } = await makeTenant(place());
  const made = Array.from({ length: 3 }, user);
  for (const userId of made) await sdk.updateUser({ userId, attributes: { displayName: "Jo" } });
  const seen: string[] = [];
  let last: string | undefined;
  do {
    const page = await sdk.queryUsers({
      limit: 2,
      ...(last === undefined ? {} : { lastEvaluatedUserId: last }),
    });
    seen.push(...page.users.map(({ userId }) => userId));
    last = page.lastEvaluatedUserId;
  } while (last !== undefined);
  expect(seen).toEqual(expect.arrayContaining(made));
  expect(new Set(seen)).toHaveLength(seen.length);
});
