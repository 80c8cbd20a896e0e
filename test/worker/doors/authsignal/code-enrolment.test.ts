import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { newKey, newTenant, server, track, validate } from "../../support/authsignal.ts";
import {
  EXHAUSTED,
  enrolled,
  type Scene,
  scene,
  tokenOf,
  WAYS,
  type Way,
  WRONG,
} from "../../support/authsignal-codes.ts";
import { claimsOf, fresh, type Json, newClient, newPhone } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

const read = ({ status, body }: { status: number; body: Json }) => [status, body.error];
const INVALID = [400, "invalid_request"];
const CLOSED = [401, "unauthorized"];
const ADD = { scope: "add:authenticators" };
const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const begin = (here: Scene, way: Way, token: unknown, to: string = way.address()) =>
  here.page(token, `/user-authenticators/${way.path}`, { [way.member]: to });
const verify = (here: Scene, way: Way, token: unknown, verificationCode = here.code()) =>
  here.page(token, `/verify/${way.path}`, { verificationCode });
const listed = async (here: Scene, tenant: Parameters<typeof server>[1], user: string) =>
  (await server(here.at, tenant, "GET", `/users/${user}/authenticators`)).body as unknown as readonly Json[];
const stateOf = async (here: Scene, tenant: Parameters<typeof validate>[1], token: unknown) =>
  (await validate(here.at, tenant, { token })).body;

describe.each(WAYS)("$path: enrolling an address", (way) => {
  const { path, member, word } = way;

  test("the first: a code, its answer, the accessToken, the list; told and on record once", async () => {
    const here = scene();
    const { tenant, user, to, id, begun, done, token } = await enrolled(here, way);
    expect(begun).toMatchObject({
      status: 200,
      body: { userAuthenticatorId: expect.any(String), userId: user },
    });
    expect(here.messages).toMatchObject([{ channel: way.channel, to, template: "one_time_code" }]);
    const authenticator = {
      userId: user,
      userAuthenticatorId: id,
      verificationMethod: word,
      createdAt: new Date().toISOString(),
      verifiedAt: new Date().toISOString(),
      [member]: to,
    };
    expect(done.body).toEqual({
      isVerified: true,
      accessToken: expect.any(String),
      userAuthenticator: authenticator,
    });
    expect(await listed(here, tenant, user)).toEqual([authenticator]);
    expect(await stateOf(here, tenant, done.body.accessToken)).toMatchObject({
      isValid: true,
      state: "CHALLENGE_SUCCEEDED",
      userId: user,
      verificationMethod: word,
    });
    // The same code again: the same token, and nothing is told twice.
    const again = await verify(here, way, token);
    expect(again.body.userAuthenticator).toEqual(authenticator);
    expect(claimsOf(again.body.accessToken)).toEqual(claimsOf(done.body.accessToken));
    const told = here.queued.filter((one) => one.kind === "action_webhook").map(({ event }) => event);
    expect(told).toMatchObject([
      {
        type: "authenticator.created",
        data: { userId: user, userAuthenticatorId: id, verificationMethod: word, [member]: to },
      },
    ]);
    const record = await called(here.at, user);
    if (!record) throw new Error("no user");
    const trail = await here.at.services.records.events({ userId: record.user.id, size: 50 });
    const rows = trail.filter(({ type }) => type === "authenticator.enrolled");
    expect(rows).toMatchObject([{ reason: "code", data: { authenticator_id: id } }]);
    expect(JSON.stringify(rows)).not.toContain(to);
  });

  test("nothing is enrolled, and the action not met, before the code comes back", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const user = fresh("u");
    const token = await tokenOf(here.at, tenant, user, "enrol");
    await begin(here, way, token);
    expect(await listed(here, tenant, user)).toEqual([]);
    expect((await verify(here, way, token, here.wrong())).body).toEqual(WRONG);
    expect(await listed(here, tenant, user)).toEqual([]);
    expect(await stateOf(here, tenant, token)).toMatchObject({ isValid: false, state: "ALLOW" });
  });

  test("asked again: the same address gets another code, another one takes its place", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const token = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    const [first, second] = [way.address(), way.address()];
    const one = await begin(here, way, token, first);
    const codes = [here.code()];
    expect((await begin(here, way, token, first)).body).toEqual(one.body);
    codes.push(here.code());
    const two = await begin(here, way, token, second);
    expect(two.body.userAuthenticatorId).not.toBe(one.body.userAuthenticatorId);
    for (const code of codes.filter((code) => code !== here.code())) {
      expect((await verify(here, way, token, code)).body).toEqual(WRONG);
    }
    const done = await verify(here, way, token);
    expect(done.body.userAuthenticator).toMatchObject({ [member]: second });
  });

  test("without the scope only a user who has nothing: refused before a code is sent, and when it comes back", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const bare = await tokenOf(here.at, tenant, user, "signIn");
    const sent = here.messages.length;
    expect(read(await begin(here, way, bare))).toEqual(CLOSED);
    expect(here.messages.length).toBe(sent);
    // Two tokens of somebody who has nothing yet: the one that is late is refused, though its code is right.
    const other = fresh("u");
    const [one, two] = [
      await tokenOf(here.at, tenant, other, "a"),
      await tokenOf(here.at, tenant, other, "b"),
    ];
    await begin(here, way, one);
    const code = here.code();
    await begin(here, way, two);
    expect((await verify(here, way, one, code)).body).toMatchObject({ isVerified: true });
    expect(read(await verify(here, way, two))).toEqual(CLOSED);
    expect(await listed(here, tenant, other)).toHaveLength(1);
    // The refused address is nobody's: the sign-in pages of other doors do not know it either.
    const record = await called(here.at, other);
    expect(record?.identifiers).toHaveLength(1);
  });

  test("race: of ten first enrolments at once, a device's among them, one stands", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const user = fresh("u");
    const tokens = [];
    for (let count = 0; count < 9; count++) {
      const token = await tokenOf(here.at, tenant, user, `a${count}`);
      expect((await begin(here, way, token)).status).toBe(200);
      tokens.push({ token, code: here.code() });
    }
    const deviceToken = await tokenOf(here.at, tenant, user, "device");
    const key = await newKey();
    const done = await Promise.all([
      ...tokens.map(({ token, code }) => verify(here, way, token, code)),
      here.page(deviceToken, "/user-authenticators/push", { publicKey: key.text, deviceName: "p" }),
    ]);
    expect(done.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(done.filter(({ status }) => status === 401)).toHaveLength(9);
    expect(await listed(here, tenant, user)).toHaveLength(1);
    const record = await called(here.at, user);
    expect(record?.identifiers.length).toBeLessThanOrEqual(1);
  });

  test("race: the right code twenty times at once enrols once and is told once", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, { webhookUrl: "https://hook.example/in" });
    const user = fresh("u");
    const token = await tokenOf(here.at, tenant, user, "enrol");
    await begin(here, way, token);
    const done = await Promise.all(Array.from({ length: 20 }, () => verify(here, way, token)));
    expect(new Set(done.map(({ body }) => claimsOf(body.accessToken).jti)).size).toBe(1);
    expect(here.queued.filter((one) => one.kind === "action_webhook")).toHaveLength(1);
  });

  test("a client may demand the scope always: at the start and when the code comes back", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const demanding = { settings: { enrol_without_scope: false } };
    const user = fresh("u");
    const token = await tokenOf(here.at, tenant, user, "enrol");
    await begin(here, way, token);
    await here.at.services.clients.update(tenant.id, demanding, Date.now());
    vi.setSystemTime(Date.now() + MINUTE);
    expect(read(await verify(here, way, token))).toEqual(CLOSED);
    expect(read(await begin(here, way, await tokenOf(here.at, tenant, user, "other")))).toEqual(CLOSED);
    const scoped = await tokenOf(here.at, tenant, user, "scoped", ADD);
    await begin(here, way, scoped);
    expect((await verify(here, way, scoped)).body).toMatchObject({ isVerified: true });
  });

  test("a token adds one address", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "add", ADD);
    await begin(here, way, token);
    const done = await verify(here, way, token);
    expect(done.body).toMatchObject({ isVerified: true });
    vi.setSystemTime(Date.now() + 1);
    await begin(here, way, token);
    expect(read(await verify(here, way, token))).toEqual(INVALID);
    expect(await listed(here, tenant, user)).toHaveLength(2);
  });

  test("the accessToken of a met action adds another, and changes nothing about the action", async () => {
    const here = scene();
    const { tenant, user, done } = await enrolled(here, way);
    const { accessToken } = done.body;
    const before = await stateOf(here, tenant, accessToken);
    vi.setSystemTime(Date.now() + MINUTE);
    expect((await begin(here, way, accessToken)).status).toBe(200);
    const added = await verify(here, way, accessToken);
    expect(added.body).toEqual({ isVerified: true, userAuthenticator: expect.any(Object) });
    expect(await stateOf(here, tenant, accessToken)).toEqual(before);
    expect(await listed(here, tenant, user)).toHaveLength(2);
    const again = await verify(here, way, accessToken);
    expect(again.body).toEqual(added.body);
  });

  test.each([
    ["a challenge", {}, "CHALLENGE_REQUIRED"],
    ["a review", { actions: { add: "review" } }, "REVIEW_REQUIRED"],
  ] as const)(
    "an action that waits for %s is not met by it, nor by the new address afterwards",
    async (_name, settings, state) => {
      const here = scene();
      const { tenant, user } = await enrolled(here, way, settings);
      vi.setSystemTime(Date.now() + MINUTE);
      const tracked = await track(here.at, tenant, user, "add", ADD);
      const { token } = tracked.body;
      expect(tracked.body).toMatchObject({ state });
      vi.setSystemTime(Date.now() + MINUTE);
      const mine = way.address();
      await begin(here, way, token, mine);
      const done = await verify(here, way, token);
      expect(done.body).toEqual({ isVerified: true, userAuthenticator: expect.any(Object) });
      expect(await stateOf(here, tenant, token)).toMatchObject({ isValid: false, state });
      // A code for the action still goes to the address from before, or nowhere.
      const challenged = await here.page(token, `/challenge/${path}`);
      expect(challenged.status).toBe(state === "CHALLENGE_REQUIRED" ? 200 : 400);
      const to = here.messages.map((message) => message.to);
      expect(to.filter((address) => address === mine)).toHaveLength(1);
      // Nor does the enrolment's code, given back once more, once the backend lets the action take its course.
      await server(here.at, tenant, "PATCH", `/users/${user}/actions/add/${tracked.body.idempotencyKey}`, {
        state: "ALLOW",
      });
      const enrolling = here.messages.find((message) => message.to === mine)?.code;
      await verify(here, way, token, enrolling);
      expect(await stateOf(here, tenant, token)).toMatchObject({ isValid: false, state: "ALLOW" });
    },
  );

  test("a blocked action enrols nothing, nor one that is blocked before the code comes back", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, { actions: { no: "block" } });
    const user = fresh("u");
    expect(read(await begin(here, way, await tokenOf(here.at, tenant, user, "no", ADD)))).toEqual(INVALID);
    expect(here.messages).toEqual([]);
    const tracked = await track(here.at, tenant, user, "enrol");
    await begin(here, way, tracked.body.token);
    await server(here.at, tenant, "PATCH", `/users/${user}/actions/enrol/${tracked.body.idempotencyKey}`, {
      state: "BLOCK",
    });
    expect((await verify(here, way, tracked.body.token)).body).toEqual(WRONG);
    expect(await listed(here, tenant, user)).toEqual([]);
  });

  test("a pending challenge of the action stays what its page waits for", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const tracked = await track(here.at, tenant, user, "signIn", ADD);
    const { token } = tracked.body;
    await here.page(token, `/challenge/${path}`);
    const meeting = here.code();
    vi.setSystemTime(Date.now() + 1);
    await begin(here, way, token);
    let enrolling = here.code();
    while (enrolling === meeting) {
      await begin(here, way, token);
      enrolling = here.code();
    }
    expect((await verify(here, way, token, enrolling)).body).toMatchObject({ isVerified: true });
    expect(await stateOf(here, tenant, token)).toMatchObject({ state: "CHALLENGE_REQUIRED" });
    vi.setSystemTime(Date.now() + 1);
    const met = await verify(here, way, token, meeting);
    expect(met.body).toEqual({ isVerified: true, accessToken: expect.any(String) });
    const again = await verify(here, way, token, meeting);
    expect(claimsOf(again.body.accessToken)).toEqual(claimsOf(met.body.accessToken));
  });

  test("an address that became another user's meanwhile is refused when it is proven", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const [user, to] = [fresh("u"), way.address()];
    const token = await tokenOf(here.at, tenant, user, "enrol");
    expect((await begin(here, way, token, to)).status).toBe(200);
    const code = here.code();
    expect((await enrolled(here, way, {}, to, tenant)).done.body.isVerified).toBe(true);
    for (let count = 0; count < 3; count++) {
      expect(read(await verify(here, way, token, code))).toEqual(INVALID);
    }
    expect(await listed(here, tenant, user)).toEqual([]);
    // Nothing was written on the way, so that the trail tells of no enrolment that never was.
    const record = await called(here.at, user);
    if (!record) throw new Error("no user");
    const trail = await here.at.services.records.events({ userId: record.user.id, size: 50 });
    expect(trail.map(({ type }) => type)).not.toContain("authenticator.enrolled");
    // The token's use is not spent by that, nor the user's first enrolment.
    await begin(here, way, token);
    expect((await verify(here, way, token)).body).toMatchObject({ isVerified: true });
  });

  test("one that an anonymous call had merely claimed passes to whom it was proven for, and the claimer's sessions end", async () => {
    const here = scene();
    const to = way.address();
    const client = await newClient(here.at);
    const claim = { identifier: to };
    const headers = { API_KEY_ID: client };
    const squatter = await here.at.call("POST", "/api/v0/user/create", claim, headers);
    const key = {
      method: "TRUSTED_DEVICE",
      enrolled: true,
      code: (await newPhone()).publicKey,
      algorithm: "ED25519",
    };
    const held = await here.at.call("PUT", `/api/v0/user/${squatter.body.ID}`, key, headers);
    expect(held.status).toBe(200);
    const { user, done, tenant } = await enrolled(here, way, {}, to);
    expect(done.body).toMatchObject({ isVerified: true });
    const read = await server(here.at, tenant, "GET", `/users/${user}`);
    expect(read.body).toMatchObject({ [member]: to });
    expect(here.queued).toContainEqual({
      kind: "revoke_grants",
      userId: squatter.body.ID,
      reason: "identifier_taken_over",
      actor: `client:${tenant.id}`,
    });
  });

  test("one that a backend had merely passed on does not keep its owner out", async () => {
    const here = scene();
    const to = way.address();
    const squatter = fresh("u");
    const tenant = await newTenant(here.at);
    await track(here.at, tenant, squatter, "signUp", { [member]: to });
    expect((await server(here.at, tenant, "GET", `/users/${squatter}`)).body).toMatchObject({ [member]: to });
    const { user, done } = await enrolled(here, way, {}, to, tenant);
    expect(done.body).toMatchObject({ isVerified: true });
    expect((await server(here.at, tenant, "GET", `/users/${user}`)).body).toMatchObject({ [member]: to });
    expect((await server(here.at, tenant, "GET", `/users/${squatter}`)).body).not.toHaveProperty(member);
  });

  test("one that another client's backend passed on is that client's word, and stays so", async () => {
    const here = scene();
    const to = way.address();
    const squatter = fresh("u");
    const other = await newTenant(here.at);
    await track(here.at, other, squatter, "signUp", { [member]: to });
    const { done } = await enrolled(here, way, {}, to);
    expect(done.body).toMatchObject({ isVerified: true });
    expect((await server(here.at, other, "GET", `/users/${squatter}`)).body).toMatchObject({ [member]: to });
  });

  test("removed, it does not come back with the code that had enrolled it", async () => {
    const here = scene();
    const { tenant, user, id, token } = await enrolled(here, way);
    await server(here.at, tenant, "DELETE", `/users/${user}/authenticators/${id}`);
    expect((await verify(here, way, token)).body).toEqual(WRONG);
    expect(await listed(here, tenant, user)).toEqual([]);
  });

  test("an outage behind the row: the code once more finishes what it began", async () => {
    const fails = { now: true };
    const here = scene(undefined, ({ challenges }) => ({
      challenges: {
        ...challenges,
        apply: async (id, command) => {
          if (command.name === "approve" && fails.now) throw new Outage("the object is away");
          return await challenges.apply(id, command);
        },
      },
    }));
    const tenant = await newTenant(here.at);
    const user = fresh("u");
    const token = await tokenOf(here.at, tenant, user, "enrol");
    await begin(here, way, token);
    expect((await verify(here, way, token)).status).toBe(503);
    fails.now = false;
    expect((await verify(here, way, token)).body).toMatchObject({
      isVerified: true,
      accessToken: expect.any(String),
    });
    expect(await listed(here, tenant, user)).toHaveLength(1);
  });

  test.each(["redeem", "succeed"] as const)(
    "T101 an outage at the action's %s: the code once more has its token",
    async (step) => {
      const fails = { now: true };
      const away = () => {
        if (fails.now) throw new Outage("away");
      };
      const here = scene(undefined, ({ challenges, actions }) => ({
        challenges: {
          ...challenges,
          apply: async (id, command) => {
            if (command.name === step) away();
            return await challenges.apply(id, command);
          },
        },
        actions: {
          ...actions,
          succeed: async (...given) => {
            if (step === "succeed") away();
            return await actions.succeed(...given);
          },
        },
      }));
      const tenant = await newTenant(here.at);
      const user = fresh("u");
      const token = await tokenOf(here.at, tenant, user, "enrol");
      await begin(here, way, token);
      expect((await verify(here, way, token)).status).toBe(503);
      fails.now = false;
      const done = await verify(here, way, token);
      expect(done.body).toMatchObject({ isVerified: true, accessToken: expect.any(String) });
      expect(await stateOf(here, tenant, done.body.accessToken)).toMatchObject({
        isValid: true,
        state: "CHALLENGE_SUCCEEDED",
      });
    },
  );

  test("an enrolment whose challenge was forgotten stands in nobody's way", async () => {
    const gone = new Set<string>();
    const here = scene(undefined, ({ challenges }) => ({
      challenges: {
        ...challenges,
        read: async (id) => (gone.has(id) ? undefined : await challenges.read(id)),
      },
    }));
    const tenant = await newTenant(here.at);
    const token = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    const { find } = here.at.services.userCodes;
    const before = new Set<string>();
    here.at.services.userCodes.find = async (...asked) => {
      const row = await find(...asked);
      if (row) before.add(row.challengeId);
      return row;
    };
    await begin(here, way, token);
    await verify(here, way, token, here.wrong());
    for (const id of before) gone.add(id);
    expect(gone.size).toBe(1);
    expect((await begin(here, way, token)).status).toBe(200);
    expect((await verify(here, way, token)).body).toMatchObject({ isVerified: true });
  });

  test("five wrong codes end the enrolment; the action stays as it is", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const user = fresh("u");
    const token = await tokenOf(here.at, tenant, user, "enrol");
    await begin(here, way, token);
    for (let count = 0; count < 4; count++) {
      expect((await verify(here, way, token, here.wrong())).body).toEqual(WRONG);
    }
    expect((await verify(here, way, token, here.wrong())).body).toEqual(EXHAUSTED);
    expect((await verify(here, way, token)).body).toEqual(EXHAUSTED);
    expect(await stateOf(here, tenant, token)).toMatchObject({ state: "ALLOW" });
  });

  test("a text that is no such address is refused", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const token = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    for (const text of [
      "nobody",
      "",
      " ",
      member === "email" ? "+4915112345678" : "jo@example.com",
      "x".repeat(300),
    ]) {
      expect(read(await begin(here, way, token, text)), text).toEqual(INVALID);
    }
    expect(here.messages).toEqual([]);
  });
});
