import { beforeAll, describe, expect, test } from "vitest";
import {
  basic,
  bearer,
  enrol,
  inQuery,
  newTenant,
  phoneCall,
  server,
  startPush,
  type Tenant,
  track,
  validate,
} from "../../support/authsignal.ts";
import { number, scene, tokenOf } from "../../support/authsignal-codes.ts";
import { fresh, type Json } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

const here = scene();
const { at } = here;
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant(at, {}, { webhookUrl: "https://hook.example/in" });
});

const call = (method: string, path: string, body?: unknown) => server(at, tenant, method, path, body);
const mail = () => `${fresh("jo")}@example.com`;

test("A1 POST changes a user as PATCH does", async () => {
  const [user, email] = [fresh("u"), mail()];
  const sent = { email, displayName: "Jo", custom: { tier: "gold" } };
  expect(await call("POST", `/users/${user}`, sent)).toMatchObject({ status: 200, body: sent });
  expect((await call("GET", `/users/${user}`)).body).toMatchObject(sent);
  expect((await call("POST", `/users/${user}`, { email: 5 })).status).toBe(400);
  expect((await at.call("POST", `/v1/users/${user}`, sent)).status).toBe(401);
});

describe("A8 a number that no numbering plan can read", () => {
  const unread = "9876543210";

  test.each([
    ["PATCH", (user: string) => call("PATCH", `/users/${user}`, { phoneNumber: unread })],
    ["track", (user: string) => track(at, tenant, user, "signIn", { phoneNumber: unread, email: mail() })],
  ])("%s keeps it as it was given, for any number of users", async (_name, give) => {
    const users = [fresh("u"), fresh("u")];
    for (const user of users) {
      expect((await give(user)).status).toBe(200);
      const read = await call("GET", `/users/${user}`);
      expect(read.body).toMatchObject({ phoneNumber: unread, phoneNumberVerified: false });
      // The same again is the same number, and a readable one takes its place.
      expect((await give(user)).status).toBe(200);
    }
    const readable = number();
    await call("PATCH", `/users/${users[0]}`, { phoneNumber: readable });
    expect((await call("GET", `/users/${users[0]}`)).body.phoneNumber).toBe(readable);
    expect((await call("GET", `/users/${users[1]}`)).body.phoneNumber).toBe(unread);
    expect((await call("PATCH", `/users/${users[1]}`, { phoneNumber: null })).status).toBe(200);
    expect((await call("GET", `/users/${users[1]}`)).body.phoneNumber).toBeUndefined();
  });

  test("is echoed, and is never sent to, though the backend says that it was verified", async () => {
    const user = fresh("u");
    const sent = { phoneNumber: unread, phoneNumberVerified: true };
    expect(await call("PATCH", `/users/${user}`, sent)).toMatchObject({ status: 200, body: sent });
    expect((await call("GET", `/users/${user}`)).body).toMatchObject({ ...sent, isEnrolled: false });
    const token = await tokenOf(at, tenant, user, "signIn");
    expect((await here.page(token, "/challenge/sms", {})).status).toBe(400);
    expect((await here.page(token, "/user-authenticators/sms", { phoneNumber: unread })).status).toBe(400);
    expect(here.messages).toHaveLength(0);
  });

  test.each(["nonsense", "jo@example.com", "  ", "98\u00007"])("%j is no number at all", async (text) => {
    expect((await call("PATCH", `/users/${fresh("u")}`, { phoneNumber: text })).status).toBe(400);
  });
});

describe("A9 an empty map that PHP wrote as a list", () => {
  test.each([
    ["track", (body: Json) => call("POST", `/users/${fresh("u")}/actions/signIn`, body)],
    ["updateUser", (body: Json) => call("PATCH", `/users/${fresh("u")}`, body)],
    [
      "challenge",
      (body: Json) =>
        call("POST", "/challenge", { ...body, action: "a", verificationMethod: "EMAIL_OTP", email: mail() }),
    ],
  ])("%s takes it", async (_name, send) => {
    expect((await send({ custom: [] })).status).toBe(200);
    expect((await send({ custom: [1] })).status).toBe(400);
  });
});

test("A10 members that SDKs read are there", async () => {
  const user = fresh("u");
  const tracked = await track(at, tenant, user, "signIn", {});
  const path = `/users/${user}/actions/signIn/${tracked.body.idempotencyKey}`;
  expect((await call("GET", path)).body).toMatchObject({ output: {}, ruleIds: [], rules: [] });
  expect((await call("GET", `/users/${user}/actions`)).body).toMatchObject([
    { createdAt: expect.any(String), updatedAt: expect.any(String), stateUpdatedAt: expect.any(String) },
  ]);
  expect((await call("PATCH", `/users/${user}`, { displayName: "Jo" })).body).toEqual({
    userId: user,
    displayName: "Jo",
  });
});

describe("A11 calls of other SDKs", () => {
  test("a page lists what its own user has, and nothing of anybody else's", async () => {
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    await enrol(at, tenant, fresh("u"));
    const token = await tokenOf(at, tenant, user, "signIn");
    const listed = await at.call("GET", "/v1/client/user-authenticators", undefined, bearer(token));
    expect(listed).toMatchObject({
      status: 200,
      body: [{ userAuthenticatorId: phone.id, verificationMethod: "PUSH", createdAt: expect.any(String) }],
    });
    for (const headers of [{}, basic(tenant.id), basic(tenant.secret), bearer("x.y.z")]) {
      expect((await at.call("GET", "/v1/client/user-authenticators", undefined, headers)).status).toBe(401);
    }
    const record = await called(at, user);
    if (!record) throw new Error("no such user");
    await at.services.users.update(record.user, { status: "locked" }, Date.now());
    const locked = await at.call("GET", "/v1/client/user-authenticators", undefined, bearer(token));
    expect(locked).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  test.each(["/challenges", "/challenges?challengeId=", "/challengeschallengeId="])(
    "a challenge is found by POST %s",
    async (path) => {
      const asked = { action: "signIn", verificationMethod: "EMAIL_OTP", email: mail() };
      const { challengeId } = (await call("POST", "/challenge", asked)).body;
      const found = await call("POST", path.endsWith("=") ? `${path}${challengeId}` : path, { challengeId });
      expect(found).toMatchObject({
        status: 200,
        body: { challengeId, action: "signIn", email: asked.email },
      });
      expect((await call("POST", path, { challengeId: "x" })).body).toEqual({});
      expect((await call("POST", path, { challengeId: 7 })).status).toBe(400);
      expect((await at.call("POST", `/v1${path}`, { challengeId })).status).toBe(401);
    },
  );

  test("a user that is changed without a body stays as it is", async () => {
    const user = fresh("u");
    const headers = { ...basic(tenant.secret), "Content-Type": "application/json", "Content-Length": "0" };
    expect((await at.call("PATCH", `/v1/users/${user}`, undefined, headers)).body).toEqual({ userId: user });
  });

  test("a list of codes may come as PHP writes it", async () => {
    const user = fresh("u");
    for (const action of ["a", "b", "c"]) await track(at, tenant, user, action, {});
    const codes = async (query: string) => {
      const { body } = await call("GET", `/users/${user}/actions?${query}`);
      return (body as unknown as Json[]).map((one) => one.actionCode).toSorted();
    };
    expect(await codes("codes%5B0%5D=a&codes%5B1%5D=c")).toEqual(["a", "c"]);
    expect(await codes("codes=a,b")).toEqual(["a", "b"]);
    expect(await codes("codes=")).toEqual(["a", "b", "c"]);
  });

  test.each([
    ["GET", "/users/u/devices"],
    ["POST", "/users/u/devices/d/invalidate"],
    ["POST", "/users/authenticators"],
    ["POST", "/sessions"],
    ["POST", "/sessions/validate"],
    ["POST", "/sessions/refresh"],
    ["POST", "/sessions/revoke"],
    ["POST", "/sessions/user/revoke"],
    ["POST", "/client/challenge/web"],
    ["POST", "/client/user-authenticators/totp"],
    ["POST", "/client/verify/totp"],
    ["POST", "/client/user-authenticators/passkey/registration-options"],
    ["GET", "/client/user-authenticators/passkey"],
    ["POST", "/client/user-authenticators/security-key"],
  ])("%s %s is closed: 404 in this door's shape", async (method, path) => {
    expect(await call(method, path, method === "GET" ? undefined : {})).toMatchObject({
      status: 404,
      body: { error: "not_found", errorCode: "not_found", errorDescription: expect.any(String) },
    });
  });
});

describe("A12 a QR code with a token", () => {
  test("is of the tracked action, whatever the page calls it", async () => {
    const user = fresh("u");
    const phone = await enrol(at, tenant, user, "qr-code");
    const { body } = await track(at, tenant, user, "pay", {});
    const begun = await at.call(
      "POST",
      "/v1/client/challenge/qr-code",
      { action: "other" },
      bearer(body.token),
    );
    expect(begun.status).toBe(200);
    const { challengeId } = begun.body;
    const claimed = await phoneCall(at, phone, "POST", "/challenge/claim", {
      challengeId,
      publicKey: phone.key.text,
      signature: await phone.key.sign(String(challengeId)),
    });
    expect(claimed).toMatchObject({
      status: 200,
      body: { actionCode: "pay", idempotencyKey: body.idempotencyKey },
    });
  });
});

describe("A17 nonces", () => {
  test("two of one second differ, and each shows the prompt once", async () => {
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    await startPush(at, tenant, user, "signIn", { custom: { amount: 5 } });
    const query = `?publicKey=${inQuery(phone.key)}`;
    const ask = async () =>
      String((await phoneCall(at, phone, "POST", `/challenge/sign${query}`)).body.message);
    const read = async (nonce: string) =>
      (
        await phoneCall(at, phone, "GET", `/challenge${query}`, undefined, {
          "X-Authsignal-Signature": await phone.key.sign(nonce),
        })
      ).body.custom;
    const nonces = await Promise.all([ask(), ask(), ask(), ask(), ask()]);
    expect(new Set(nonces).size).toBe(5);
    for (const nonce of nonces) {
      expect(await read(nonce)).toEqual({ amount: 5 });
      expect(await read(nonce)).toBeUndefined();
    }
  });
});

describe("A23 what cannot be decoded, and whose secret is wrong", () => {
  test.each(["%E0%A4%A", "%", "%zz", "a%"])("a user id %s is 400", async (user) => {
    for (const [method, path, body] of [
      ["GET", `/users/${user}`, undefined],
      ["GET", `/users/${user}/authenticators`, undefined],
      ["GET", `/users/${user}/actions/signIn/k`, undefined],
      ["DELETE", `/users/${user}`, undefined],
      ["POST", `/users/${user}/actions/signIn`, {}],
      ["GET", `/users/u/actions/signIn/${user}`, undefined],
    ] as const) {
      expect(await call(method, path, body)).toMatchObject({
        status: 400,
        body: {
          error: "invalid_request",
          errorCode: "invalid_request",
          errorDescription: expect.any(String),
        },
      });
    }
  });

  test("an escaped sign of its own is decoded once", async () => {
    const user = `${fresh("u")}|%41`;
    const path = `/users/${encodeURIComponent(user)}`;
    expect((await call("PATCH", path, { displayName: "Jo" })).body).toMatchObject({ userId: user });
    expect((await call("GET", path)).body.displayName).toBe("Jo");
  });

  test("a wrong secret is told in the vendor's words, which its SDKs' suites compare", async () => {
    const wrong = await at.call("GET", "/v1/users/u", undefined, basic("wrong"));
    expect(wrong).toMatchObject({
      status: 401,
      body: {
        error: "unauthorized",
        errorCode: "unauthorized",
        errorDescription:
          "The request is unauthorized. Check that your API key and region base URL are correctly configured.",
      },
    });
  });
});

test("A18 tokens are ES256, and one that the tenant's own secret signed is nobody's", async () => {
  const user = fresh("u");
  const { body } = await track(at, tenant, user, "signIn", {});
  const [header = "", payload = ""] = String(body.token).split(".");
  expect(JSON.parse(atob(header))).toMatchObject({ alg: "ES256" });
  const plain = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const input = `${plain(btoa(JSON.stringify({ alg: "HS256", typ: "JWT" })))}.${payload}`;
  const bytes = new TextEncoder();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes.encode(tenant.secret), hmac, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes.encode(input)));
  const forged = `${input}.${plain(btoa(String.fromCharCode(...mac)))}`;
  expect((await validate(at, tenant, { token: forged })).body).toEqual({
    isValid: false,
    error: "unauthorized",
  });
  expect((await here.page(forged, "/challenge/push", {})).status).toBe(401);
});

describe("G2 what a token was met for", () => {
  async function met() {
    const user = fresh("u");
    const email = mail();
    await call("POST", `/users/${user}/authenticators`, { verificationMethod: "EMAIL_OTP", email });
    const tracked = await track(at, tenant, user, "signIn", {});
    await here.page(tracked.body.token, "/challenge/email-otp", {});
    const done = await here.page(tracked.body.token, "/verify/email-otp", { verificationCode: here.code() });
    return { user, token: done.body.accessToken };
  }

  test("validates for its own action and user", async () => {
    const { user, token } = await met();
    for (const asked of [{}, { action: "signIn" }, { userId: user }, { action: "signIn", userId: user }]) {
      expect((await validate(at, tenant, { token, ...asked })).body).toMatchObject({
        isValid: true,
        state: "CHALLENGE_SUCCEEDED",
      });
    }
  });

  test("T234 G2 a token met for one action does not validate for another", async () => {
    const { user, token } = await met();
    await track(at, tenant, user, "pay", {});
    for (const asked of [{ action: "pay" }, { action: "pay", userId: user }, { action: "SIGNIN" }]) {
      expect((await validate(at, tenant, { token, ...asked })).body).toEqual({
        isValid: false,
        error: "invalid_request",
      });
    }
  });

  test("T234 G2 a token met for one user does not validate for another, known or not", async () => {
    const { token } = await met();
    const other = await met();
    for (const userId of [other.user, fresh("nobody")]) {
      expect((await validate(at, tenant, { token, userId })).body).toEqual({
        isValid: false,
        error: "invalid_request",
      });
    }
  });
});
