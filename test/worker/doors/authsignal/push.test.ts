import { describe, expect, test } from "vitest";
import {
  answer,
  bearer,
  enrol,
  inQuery,
  newTenant,
  phoneCall,
  poll,
  server,
  startPush,
  track,
  validate,
} from "../../support/authsignal.ts";
import { claimsOf, deployment, fresh } from "../../support/cotter.ts";

const at = deployment();
const PENDING = { isVerified: false, isConsumed: false };

describe("the guide's path", () => {
  test("approve: track, push, poll, answer, poll, validate", async () => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    const started = await startPush(at, tenant, user);
    expect(started.answer.status).toBe(200);
    expect((await poll(at, started.token, started.id)).body).toEqual(PENDING);
    const shown = await phoneCall(at, phone, "GET", `/challenge?publicKey=${inQuery(phone.key)}`);
    expect(shown.body).toMatchObject({
      userAuthenticatorId: phone.id,
      challengeId: started.id,
      userId: user,
      actionCode: "signIn",
      idempotencyKey: started.key,
      expiresAt: expect.any(Number),
    });
    const early = await validate(at, tenant, { token: started.token });
    expect(early.body).toMatchObject({ isValid: false, state: "CHALLENGE_REQUIRED", userId: user });
    expect((await answer(at, phone, started.id, true)).body).toEqual({ isVerified: true });
    const done = await poll(at, started.token, started.id);
    expect(done.body).toEqual({ isVerified: true, isConsumed: true, accessToken: expect.any(String) });
    const checked = await validate(at, tenant, {
      token: done.body.accessToken,
      action: "signIn",
      userId: user,
    });
    expect(checked.body).toMatchObject({
      isValid: true,
      state: "CHALLENGE_SUCCEEDED",
      userId: user,
      action: "signIn",
      actionCode: "signIn",
      idempotencyKey: started.key,
      verificationMethod: "PUSH",
    });
    const again = await poll(at, started.token, started.id);
    expect(claimsOf(again.body.accessToken)).toEqual(claimsOf(done.body.accessToken));
    const action = await server(at, tenant, "GET", `/users/${user}/actions/signIn/${started.key}`);
    expect(action.body).toMatchObject({ state: "CHALLENGE_SUCCEEDED", verificationMethod: "PUSH" });
  });

  test("decline: consumed, not verified, the action failed, and a retry on the same token succeeds", async () => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    const started = await startPush(at, tenant, user);
    expect((await answer(at, phone, started.id, false)).body).toEqual({ isVerified: false });
    expect((await poll(at, started.token, started.id)).body).toEqual({ isVerified: false, isConsumed: true });
    const failed = await validate(at, tenant, { token: started.token });
    expect(failed.body).toMatchObject({ isValid: false, state: "CHALLENGE_FAILED" });
    const retry = await at.call("POST", "/v1/client/challenge/push", {}, bearer(started.token));
    expect(retry.status).toBe(200);
    expect((await validate(at, tenant, { token: started.token })).body).toMatchObject({
      state: "CHALLENGE_REQUIRED",
    });
    await answer(at, phone, String(retry.body.challengeId), true);
    expect((await validate(at, tenant, { token: started.token })).body).toMatchObject({ isValid: true });
  });

  test("an action of somebody without anything enrolled is allowed, and nobody is asked", async () => {
    const tenant = await newTenant(at);
    const tracked = await track(at, tenant, fresh("u"), "signIn");
    expect(tracked.body).toMatchObject({
      state: "ALLOW",
      isEnrolled: false,
      enrolledVerificationMethods: [],
    });
    const started = await at.call("POST", "/v1/client/challenge/push", {}, bearer(tracked.body.token));
    expect([started.status, started.body.error]).toEqual([400, "invalid_request"]);
  });
});
