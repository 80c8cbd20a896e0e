import { expect, test, vi } from "vitest";
import {
  answer,
  basic,
  bearer,
  enrol,
  inQuery,
  newKey,
  newTenant,
  phoneCall,
  server,
  startPush,
  track,
  validate,
} from "../../support/authsignal.ts";
import { claimsOf, deployment, fresh } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

const at = deployment();

async function scene(namespace: string) {
  const tenant = await newTenant(at);
  const user = fresh("u");
  return { tenant, user, phone: await enrol(at, tenant, user, namespace) };
}

test.each(["in-app", "device"])(
  "%s: with an action of its own, signed and validated; a later use is refused",
  async (namespace) => {
    const { tenant, user, phone } = await scene(namespace);
    const begun = await at.call("POST", "/v1/client/challenge", { action: "pay" }, basic(tenant.id));
    const challengeId = String(begun.body.challengeId);
    const body = { challengeId, publicKey: phone.key.text, signature: await phone.key.sign(challengeId) };
    const verify = () => at.call("POST", `/v1/client/verify/${namespace}`, body, basic(tenant.id));
    const done = await verify();
    expect(done.body).toEqual({ token: expect.any(String), userId: user, userAuthenticatorId: phone.id });
    expect(
      (await validate(at, tenant, { token: done.body.token, action: "pay", userId: user })).body,
    ).toMatchObject({
      isValid: true,
      verificationMethod: "DEVICE",
    });
    // A21: its answer may have been lost.
    expect(claimsOf((await verify()).body.token)).toEqual(claimsOf(done.body.token));
    expect(claimsOf(done.body.token).scope).toContain("add:authenticators");
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      vi.setSystemTime(Date.now() + 31_000);
      expect((await verify()).status).toBe(400);
    } finally {
      vi.useRealTimers();
    }
  },
);

test("in-app with a token completes the tracked action, of the token's own user alone", async () => {
  const { tenant, user, phone } = await scene("in-app");
  const other = await enrol(at, tenant, fresh("u"), "in-app");
  const { token } = (await track(at, tenant, user, "signIn")).body;
  const verify = async (by: typeof phone) => {
    const begun = await at.call("POST", "/v1/client/challenge", {}, bearer(token));
    const challengeId = String(begun.body.challengeId);
    const signature = await by.key.sign(challengeId);
    return await at.call(
      "POST",
      "/v1/client/verify/in-app",
      { challengeId, publicKey: by.key.text, signature },
      bearer(token),
    );
  };
  expect((await verify(other)).status).toBe(400);
  expect((await verify(phone)).status).toBe(200);
  expect((await validate(at, tenant, { token })).body).toMatchObject({
    isValid: true,
    state: "CHALLENGE_SUCCEEDED",
  });
});

test("a text of another client, or a changed one, is no challenge", async () => {
  const { tenant, phone } = await scene("in-app");
  const other = await newTenant(at);
  const begun = await at.call("POST", "/v1/client/challenge", { action: "pay" }, basic(other.id));
  const text = String(begun.body.challengeId);
  for (const challengeId of [text, text.replace("pay", "steal"), "x", "0".repeat(64)]) {
    const body = { challengeId, publicKey: phone.key.text, signature: await phone.key.sign(challengeId) };
    expect((await at.call("POST", "/v1/client/verify/in-app", body, basic(tenant.id))).status).toBe(400);
  }
});

test("a credential is good in its own namespace and in device", async () => {
  const { phone } = await scene("push");
  const status = async (namespace: string) =>
    (await phoneCall(at, { ...phone, namespace }, "GET", `?publicKey=${inQuery(phone.key)}`)).status;
  expect(await Promise.all(["push", "device", "qr-code", "in-app"].map(status))).toEqual([
    200, 200, 400, 400,
  ]);
});

test("a credential's push token changes by its own signature over the given text, to one value", async () => {
  const { tenant, user, phone } = await scene("push");
  const { challengeId, message } = (
    await phoneCall(at, phone, "POST", `/sign?publicKey=${inQuery(phone.key)}`)
  ).body;
  const signature = await phone.key.sign(String(message));
  const body = { challengeId, publicKey: phone.key.text, signature, pushToken: "fcm-2" };
  const wrong = await phoneCall(at, phone, "PATCH", "", {
    ...body,
    signature: await phone.key.sign("other"),
  });
  expect(wrong.body.error).toBe("invalid_credential");
  expect((await phoneCall(at, phone, "PATCH", "", body)).body).toEqual({
    userAuthenticatorId: phone.id,
    userId: user,
    lastVerifiedAt: expect.any(String),
    pushToken: "fcm-2",
  });
  expect((await phoneCall(at, phone, "PATCH", "", { ...body, pushToken: "fcm-3" })).status).toBe(400);
  expect((await server(at, tenant, "GET", `/users/${user}/authenticators`)).body).toMatchObject([
    { userAuthenticatorId: phone.id },
  ]);
});

test("T25 a credential younger than the text that it signs is refused, and meets the next one", async () => {
  const tenant = await newTenant(at);
  const begin = async () => {
    const begun = await at.call("POST", "/v1/client/challenge", { action: "pay" }, basic(tenant.id));
    return String(begun.body.challengeId);
  };
  const older = await begin();
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    vi.setSystemTime(Date.now() + 1_000);
    const phone = await enrol(at, tenant, fresh("u"), "in-app");
    const verify = async (challengeId: string) => {
      const body = { challengeId, publicKey: phone.key.text, signature: await phone.key.sign(challengeId) };
      return await at.call("POST", "/v1/client/verify/in-app", body, basic(tenant.id));
    };
    const refused = await verify(older);
    expect([refused.status, refused.body.errorDescription]).toEqual([
      400,
      "The credential was enrolled after this challenge began.",
    ]);
    expect((await verify(await begin())).status).toBe(200);
  } finally {
    vi.useRealTimers();
  }
});

test("what was kept beside a credential goes with it: its push token too", async () => {
  const tenant = await newTenant(at);
  const user = fresh("u");
  const token = (await track(at, tenant, user, "add", { scope: "add:authenticators" })).body.token;
  const key = await newKey();
  const body = { publicKey: key.text, pushToken: "fcm-secret" };
  const added = await at.call("POST", "/v1/client/user-authenticators/push", body, bearer(token));
  const record = await called(at, user);
  if (!record) throw new Error("no user");
  const kept = () => at.services.authenticators.ofUser(record.user.id);
  expect(await kept()).toMatchObject([{ id: added.body.userAuthenticatorId, pushToken: "fcm-secret" }]);
  const phone = { key, namespace: "push", tenant };
  const window = `${Math.floor(Date.now() / 600_000)}.0`;
  const signature = await key.sign(window);
  const removed = await phoneCall(at, phone, "POST", "/remove", { publicKey: key.text, signature });
  expect(removed.status).toBe(200);
  expect(await kept()).toEqual([]);
});

test("a list of actions by a state that there is not is refused, not answered whole", async () => {
  const { tenant, user } = await scene("push");
  const list = (query: string) => server(at, tenant, "GET", `/users/${user}/actions?${query}`);
  expect((await list("state=ALLOW")).body).toHaveLength(1);
  expect((await list("state=BLOCK")).body).toEqual([]);
  expect([(await list("state=DONE")).status, (await list("fromDate=soon")).status]).toEqual([400, 400]);
});

test("a credential says when it answered last", async () => {
  const { tenant, user, phone } = await scene("push");
  const get = async () =>
    (await phoneCall(at, phone, "GET", `?publicKey=${inQuery(phone.key)}`)).body as Record<string, string>;
  const fresh = await get();
  expect(fresh.lastVerifiedAt).toBe(fresh.verifiedAt);
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    vi.setSystemTime(Date.now() + 5_000);
    const { id } = await startPush(at, tenant, user);
    expect((await answer(at, phone, id, true)).status).toBe(200);
    await at.settled();
    const after = await get();
    expect(after.verifiedAt).toBe(fresh.verifiedAt);
    expect(Date.parse(after.lastVerifiedAt ?? "")).toBe(Date.now());
  } finally {
    vi.useRealTimers();
  }
});
