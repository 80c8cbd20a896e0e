import { beforeAll, describe, expect, test } from "vitest";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { newTenant, server, type Tenant, track, validate } from "../../support/authsignal.ts";
import { deployment, fresh, type Json, newClient, newPerson } from "../../support/cotter.ts";
import { called, withId } from "../../support/people.ts";

const queued: QueueMessage[] = [];
const at = deployment({}, () => ({ events: { send: async (message) => void queued.push(message) } }));
const INVALID = { status: 400, body: { error: "invalid_request" } };
const HOOK = { webhookUrl: "https://hook.example/in" };
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant(at, {}, HOOK);
});

const call = (method: string, path: string, body?: unknown, as = tenant) =>
  server(at, as, method, path, body);
const enrol = (user: string, body: Json, as = tenant) =>
  call("POST", `/users/${user}/authenticators`, body, as);
const query = (parameters: Record<string, string>, as = tenant) =>
  call("GET", `/users?${new URLSearchParams(parameters)}`, undefined, as);
const mail = () => `${fresh("jo")}@example.com`;
const number = () => `+64272${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`;
const told = (user: string) =>
  queued.flatMap((message) =>
    message.kind === "action_webhook" && message.event.data.userId === user ? [message.event] : [],
  );
const trail = async (user: string) => {
  const record = await called(at, user);
  if (!record) throw new Error("no such user");
  const events = await at.services.records.events({ userId: record.user.id, size: 50 });
  return events.filter(({ type }) => type === "authenticator.enrolled");
};

describe("enrollVerifiedAuthenticator", () => {
  test.each([
    { word: "EMAIL_OTP", member: "email", address: mail, verified: "emailVerified" },
    { word: "SMS", member: "phoneNumber", address: number, verified: "phoneNumberVerified" },
  ])("$word enrols an address that the backend has verified, once", async (way) => {
    const [user, to] = [fresh("u"), way.address()];
    const first = await enrol(user, { verificationMethod: way.word, [way.member]: to });
    expect(first).toMatchObject({
      status: 200,
      body: {
        authenticator: {
          userId: user,
          userAuthenticatorId: expect.any(String),
          verificationMethod: way.word,
          createdAt: expect.any(String),
          verifiedAt: expect.any(String),
          [way.member]: to,
        },
      },
    });
    const again = await enrol(user, { verificationMethod: way.word, [way.member]: to, isDefault: true });
    expect(again.body).toEqual(first.body);
    expect((await call("GET", `/users/${user}/authenticators`)).body).toEqual([first.body.authenticator]);
    expect((await call("GET", `/users/${user}`)).body).toMatchObject({
      isEnrolled: true,
      [way.member]: to,
      [way.verified]: true,
      enrolledVerificationMethods: [way.word],
    });
    expect((await track(at, tenant, user, "signIn")).body.state).toBe("CHALLENGE_REQUIRED");
    expect(await trail(user)).toMatchObject([
      {
        actor: `client:${tenant.id}`,
        clientId: tenant.id,
        reason: "client_word",
        data: { kind: expect.any(String) },
      },
    ]);
    expect(JSON.stringify(await trail(user))).not.toContain(to);
    expect(told(user)).toMatchObject([
      {
        type: "authenticator.created",
        data: { userId: user, verificationMethod: way.word, [way.member]: to },
      },
    ]);
  });

  test("race: twenty at once are one authenticator, one audit row and one event", async () => {
    const [user, email] = [fresh("u"), mail()];
    await call("PATCH", `/users/${user}`, { displayName: "Jo" });
    const all = await Promise.all(
      Array.from({ length: 20 }, () => enrol(user, { verificationMethod: "EMAIL_OTP", email })),
    );
    expect(new Set(all.map(({ status, body }) => JSON.stringify([status, body])))).toHaveLength(1);
    expect(await trail(user)).toHaveLength(1);
    expect(told(user)).toHaveLength(1);
  });

  test("a second address joins the first, and the user keeps both", async () => {
    const [user, one, two] = [fresh("u"), mail(), mail()];
    await Promise.all([one, two].map((email) => enrol(user, { verificationMethod: "EMAIL_OTP", email })));
    const listed = (await call("GET", `/users/${user}/authenticators`)).body as unknown as Json[];
    expect(listed.map(({ email }) => email).toSorted()).toEqual([one, two].toSorted());
    for (const email of [one, two]) expect((await query({ email })).body.users).toHaveLength(1);
  });

  test("naming an address that a user has takes none of their others away", async () => {
    const [user, one, two] = [fresh("u"), mail(), mail()];
    for (const email of [one, two]) await enrol(user, { verificationMethod: "EMAIL_OTP", email });
    for (const email of [one, two.toUpperCase()]) {
      expect((await track(at, tenant, user, "signIn", { email })).status).toBe(200);
      expect((await call("PATCH", `/users/${user}`, { email, emailVerified: true })).status).toBe(200);
    }
    for (const email of [one, two]) {
      expect((await query({ email })).body.users).toMatchObject([{ userId: user }]);
      expect(await enrol(fresh("u"), { verificationMethod: "EMAIL_OTP", email })).toMatchObject(INVALID);
    }
  });

  test("T20 an address that is another user's is refused, and stays theirs", async () => {
    const [owner, other, email] = [fresh("u"), fresh("u"), mail()];
    await enrol(owner, { verificationMethod: "EMAIL_OTP", email });
    expect(await enrol(other, { verificationMethod: "EMAIL_OTP", email })).toMatchObject(INVALID);
    expect((await call("GET", `/users/${other}/authenticators`)).body).toEqual([]);
    expect((await query({ email })).body.users).toMatchObject([{ userId: owner }]);
  });

  test("S1 a backend's word about an address that others have claimed is kept beside theirs, and ends nobody's sessions", async () => {
    const claimer = await newPerson(at, await newClient(at));
    const [user, email] = [fresh("u"), claimer.identifier];
    for (const word of [{ email }, { email, emailVerified: true }]) {
      expect((await call("PATCH", `/users/${user}`, word)).status).toBe(200);
    }
    expect((await call("GET", `/users/${user}`)).body).toMatchObject({ email, emailVerified: true });
    expect((await query({ email })).body.users).toMatchObject([{ userId: user }]);
    expect(queued.filter(({ kind }) => kind === "revoke_grants")).toEqual([]);
    expect((await withId(at, claimer.id))?.identifiers).toMatchObject([{ assertedBy: "anonymous" }]);
  });

  test("an address that an anonymous call had claimed does not keep the backend from naming its own user so", async () => {
    const person = await newPerson(at, await newClient(at));
    const user = fresh("u");
    const enrolled = await enrol(user, { verificationMethod: "EMAIL_OTP", email: person.identifier });
    expect(enrolled.status).toBe(200);
    expect((await query({ email: person.identifier })).body.users).toMatchObject([{ userId: user }]);
  });

  test("what is no such address, another method or a locked user is refused", async () => {
    const user = fresh("u");
    for (const body of [
      { verificationMethod: "EMAIL_OTP" },
      { verificationMethod: "EMAIL_OTP", phoneNumber: number() },
      { verificationMethod: "EMAIL_OTP", email: "nobody" },
      { verificationMethod: "SMS", phoneNumber: mail() },
      { verificationMethod: "AUTHENTICATOR_APP", email: mail() },
      {},
    ]) {
      expect(await enrol(user, body), JSON.stringify(body)).toMatchObject(INVALID);
    }
    await call("PATCH", `/users/${user}`, { displayName: "Jo" });
    const record = await called(at, user);
    if (!record) throw new Error("no such user");
    await at.services.users.update(record.user, { status: "locked" }, Date.now());
    expect(await enrol(user, { verificationMethod: "EMAIL_OTP", email: mail() })).toMatchObject(INVALID);
    expect(told(user)).toEqual([]);
  });
});

describe("updateUser", () => {
  test("race: what several calls say of a user at once all stays", async () => {
    const user = fresh("u");
    await call("PATCH", `/users/${user}`, { displayName: "Jo", custom: { old: 1 } });
    const said = [{ displayName: "Jane" }, { locale: "mi" }, { custom: { tier: "gold" } }];
    await Promise.all(said.map((one) => call("PATCH", `/users/${user}`, one)));
    const stays = { displayName: "Jane", locale: "mi", custom: { tier: "gold" } };
    expect((await call("GET", `/users/${user}`)).body).toMatchObject(stays);
    expect((await call("GET", `/users/${user}`)).body.custom).toEqual({ tier: "gold" });
    await Promise.all([
      call("PATCH", `/users/${user}`, { displayName: null }),
      call("PATCH", `/users/${user}`, {
        locale: "en",
        custom: { deep: { "a.b": null }, "\u0000": "\ud800" },
      }),
    ]);
    const { body } = await call("GET", `/users/${user}`);
    expect([body.displayName, body.locale, body.custom]).toEqual([
      undefined,
      "en",
      { deep: { "a.b": null }, "\u0000": "\ud800" },
    ]);
  });
});

describe("queryUsers", () => {
  test("finds a user by each name, and by all of them together", async () => {
    const [user, email, phoneNumber, username] = [fresh("u"), mail(), number(), fresh("jane")];
    await call("PATCH", `/users/${user}`, { email, emailVerified: true, phoneNumber, username });
    const row = {
      ...{ userId: user, email, emailVerified: true, phoneNumber, phoneNumberVerified: false, username },
    };
    for (const asked of [
      { email },
      { email: email.toUpperCase() },
      { phoneNumber },
      { username },
      { email, phoneNumber, username, limit: "1" },
    ]) {
      expect((await query(asked as unknown as Record<string, string>)).body).toEqual({ users: [row] });
    }
    expect((await query({ email, username: fresh("other") })).body).toEqual({ users: [] });
    expect((await query({ email: mail() })).body).toEqual({ users: [] });
    expect((await query({ phoneNumber: email })).body).toEqual({ users: [] });
  });

  test("a name that an anonymous call gave finds nobody", async () => {
    const person = await newPerson(at, await newClient(at));
    expect((await query({ email: person.identifier })).body).toEqual({ users: [] });
  });

  test("pages through everybody once, in a stable order, however many there are", async () => {
    const made = Array.from({ length: 5 }, () => fresh("u"));
    for (const user of made) await call("PATCH", `/users/${user}`, { displayName: "Jo" });
    const seen: string[] = [];
    let last: string | undefined;
    do {
      const { body } = await query({
        limit: "2",
        ...(last === undefined ? {} : { lastEvaluatedUserId: last }),
      });
      const users = body.users as Json[];
      expect(users.length).toBeLessThanOrEqual(2);
      seen.push(...users.map(({ userId }) => String(userId)));
      last = body.lastEvaluatedUserId as string | undefined;
    } while (last !== undefined);
    expect(new Set(seen)).toHaveLength(seen.length);
    expect(seen).toEqual(expect.arrayContaining(made));
    const named = await query({ limit: "1", lastEvaluatedUserId: seen[0] ?? "" });
    expect((named.body.users as Json[])[0]?.userId).toBe(seen[1]);
  });

  test("a page holds a hundred at most", async () => {
    const sizes: number[] = [];
    const here = deployment({}, ({ users }) => ({
      users: {
        ...users,
        pageFor: (view, after, size) => {
          sizes.push(size);
          return users.pageFor(view, after, size);
        },
      },
    }));
    expect((await server(here, tenant, "GET", "/users?limit=5000")).status).toBe(200);
    expect(sizes).toEqual([101]);
  });

  test("T106 a token finds its user for its own client alone", async () => {
    const user = fresh("u");
    const token = String(
      (await track(at, tenant, user, "signIn", { scope: "add:authenticators" })).body.token,
    );
    const found = (await query({ token })).body;
    expect(found.users).toMatchObject([{ userId: user }]);
    expect(found.tokenPayload).toMatchObject({
      sub: user,
      scope: "add:authenticators",
      other: { userId: user },
    });
    expect((await validate(at, tenant, { token })).body.userId).toBe(user);
    const other = await newTenant(at);
    for (const asked of [query({ token }, other), query({ token: `${token}x` }), query({ token: "x" })]) {
      expect((await asked).body).toEqual({ users: [] });
    }
  });

  test("T107 what cannot be read is 400, and without the secret it is 401", async () => {
    for (const asked of [
      "limit=0",
      "limit=-1",
      "limit=1.5",
      "limit=many",
      "limit=",
      `email=${"x".repeat(300)}`,
      "email=a%40b.example&email=c%40d.example",
      "lastEvaluatedUserId=nobody-here",
    ]) {
      expect(await call("GET", `/users?${asked}`), asked).toMatchObject(INVALID);
    }
    expect((await at.call("GET", "/v1/users")).status).toBe(401);
    expect((await at.call("POST", "/v1/users/u/authenticators", {})).status).toBe(401);
  });
});

test.each([
  " ada",
  "ada ",
  "ad\u200ba",
  "ada\u0000",
  "ad\u00a0a",
  "Jo\u0308rg",
  "ad\u202ea",
  "a\ue000",
  "x".repeat(255),
])("S8 a user's name that is not what it looks like is refused in paths and bodies: %j", async (name) => {
  const path = `/users/${encodeURIComponent(name)}`;
  expect(await track(at, tenant, encodeURIComponent(name), "signIn")).toMatchObject(INVALID);
  expect(await call("PATCH", path, { displayName: "Ada" })).toMatchObject(INVALID);
  expect(await call("GET", path)).toMatchObject(INVALID);
  expect(
    await enrol(encodeURIComponent(name), { verificationMethod: "EMAIL_OTP", email: mail() }),
  ).toMatchObject(INVALID);
  const asked = { verificationMethod: "EMAIL_OTP", action: "signIn", email: mail() };
  expect(await call("POST", "/challenge", { ...asked, userId: name })).toMatchObject(INVALID);
  const claimed = { challengeId: "f".repeat(64), userId: name };
  expect(await call("POST", "/claim", claimed)).toMatchObject(INVALID);
  expect(await called(at, name)).toBeUndefined();
});
