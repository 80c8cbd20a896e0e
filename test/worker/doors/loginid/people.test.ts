import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { type UserId, userSubject } from "../../../../src/core/ids.ts";
import { newDevice } from "../../support/admin.ts";
import { stubOf } from "../../support/challenges.ts";
import { type Answer, deployment, fresh, type Json } from "../../support/cotter.ts";
import {
  type Backend,
  codes,
  generated,
  newAda,
  newBackend,
  newWeb,
  tokenOf,
  waitOn,
} from "../../support/loginid.ts";
import { until } from "../../support/until.ts";

const at = deployment();

const call = async (
  backend: Backend,
  method: string,
  path: string,
  scope: string,
  body?: Json,
): Promise<Answer> =>
  at.call(method, path, body, { Authorization: `Bearer ${await tokenOf(backend, scope)}` });

/** Until a waiter is held on the user's newest challenge. */
const held = (id: UserId): Promise<void> =>
  until(async () => {
    const [shown] = (await at.services.inboxes.view(userSubject(id))).prompts;
    if (!shown) throw new Error("no prompt");
    const open = await runInDurableObject(
      stubOf(shown.challengeId),
      (_, state) => state.getWebSockets().length,
    );
    expect(open).toBe(1);
  });

describe("users by a backend's word", () => {
  test("made, retrieved under any spelling, locked, unlocked, deleted; each call on record", async () => {
    const backend = await newBackend(at);
    const username = `${fresh("Ada")}@Example.com`;
    const made = await call(backend, "POST", "/manage/users", "users.create", { username });
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({
      username,
      status: "active",
      type: "user",
      client_id: backend.id,
      contacts: [{ type: "email", contact: username, is_verified: false }],
    });
    expect(made.body.user_id).toBe(made.body.id);
    const found = await call(backend, "POST", "/api/native/manage/users/retrieve", "users.retrieve", {
      username: username.toLowerCase(),
    });
    expect(found.body).toEqual(made.body);
    const id = String(made.body.id);
    expect(
      (await call(backend, "PUT", `/manage/users/${id}/deactivate`, "users.deactivate")).body.status,
    ).toBe("inactive");
    expect((await call(backend, "PUT", `/manage/users/${id}/activate`, "users.activate")).body.status).toBe(
      "active",
    );
    const gone = await call(backend, "POST", "/manage/users/delete", "users.delete", { username });
    expect([gone.status, gone.body]).toEqual([204, {}]);
    expect((await call(backend, "DELETE", `/manage/users/${id}`, "users.delete")).body.code).toBe(
      "user_not_found",
    );
    const rows = await env.DB.prepare("select type, actor from audit_events where user_id = ? order by id")
      .bind(id)
      .all();
    expect(rows.results).toEqual(
      ["user.created", "user.locked", "user.active", "user.deleted"].map((type) => ({
        type,
        actor: `client:${backend.id}`,
      })),
    );
  });

  test.each([
    ["", "username_empty"],
    ["   ", "username_empty"],
    ["a\u0000b", "username_invalid"],
  ])("no user is made under %j", async (username, code) => {
    const answer = await call(await newBackend(at), "POST", "/manage/users", "users.create", { username });
    expect(answer).toMatchObject({ status: 400, body: { code } });
  });

  test("T24 a token of these calls is good for one answer", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const headers = { Authorization: `Bearer ${await tokenOf(backend, "users.retrieve")}` };
    const ask = (username: string) => at.call("POST", "/manage/users/retrieve", { username }, headers);
    expect((await ask(ada.username)).status).toBe(200);
    expect((await ask(ada.username)).status).toBe(401);
    expect((await ask(fresh("nobody"))).status).toBe(401);
  });

  test.each([
    ["locked", "PUT", "/deactivate", "users.deactivate", 403, "account_deactivated"],
    ["deleted", "DELETE", "", "users.delete", 404, "user_not_found"],
  ])(
    "T11 a user who is %s ends the waits on their codes at once",
    async (_what, method, suffix, scope, status, code) => {
      const backend = await newBackend(at);
      const web = await newWeb(at, backend, { settings: { wait_seconds: 20 } });
      const ada = await newAda(at, undefined, "client", backend.id);
      const waiting = waitOn(at, web, ada, await generated(at, backend, ada));
      await held(ada.id);
      await call(backend, method, `/manage/users/${ada.id}${suffix}`, scope);
      expect(await waiting).toMatchObject({ status, body: { code } });
    },
  );
});

test("T11 a lock through the admin API ends the waits on their codes, too", async () => {
  const backend = await newBackend(at);
  const web = await newWeb(at, backend, { settings: { wait_seconds: 20 } });
  const ada = await newAda(at);
  const waiting = waitOn(at, web, ada, await generated(at, backend, ada));
  await held(ada.id);
  const headers = { Authorization: `Bearer ${at.services.config.adminToken}` };
  const locked = await at.call("PATCH", `/admin/users/${ada.id}`, { status: "locked" }, headers);
  expect(locked.status).toBe(200);
  expect((await waiting).body.code).toBe("account_deactivated");
});

describe("a user's devices as credentials", () => {
  test("listed, renamed, revoked; T106 another user's are not found", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const bob = await newAda(at);
    const device = await newDevice(ada.id, { door: "loginid", clientId: backend.id });
    const listed = await call(backend, "GET", `/credentials?user_id=${ada.id}`, "credentials.list");
    expect(listed.body).toMatchObject({
      user_id: ada.id,
      credentials: [{ uuid: device.id, name: "Phone", status: "active", type: "public_key" }],
    });
    const change = (who: string, verb: string, name?: string) =>
      call(backend, "POST", `/credentials/${verb}`, `credentials.${verb}`, {
        client_id: backend.id,
        user_id: who,
        credential: { uuid: device.id, ...(name === undefined ? {} : { name }) },
      });
    expect((await change(bob.id, "rename", "Mine")).body.code).toBe("credential_not_found");
    expect((await change(bob.id, "revoke")).body.code).toBe("credential_not_found");
    expect((await change(ada.id, "rename")).body.code).toBe("missing_parameter");
    expect((await change(ada.id, "rename", "Pocket")).body).toMatchObject({ credential: { name: "Pocket" } });
    expect((await change(ada.id, "revoke")).body).toMatchObject({
      credential: { status: "revoked", name: "Pocket" },
    });
    expect((await at.services.devices.byId(device.id))?.revokedAt).toBeDefined();
    expect((await change(ada.id, "rename", "Again")).body.code).toBe("credential_not_found");
    const again = await call(backend, "POST", "/credentials/list", "credentials.list", {
      client_id: backend.id,
      username: ada.username,
    });
    expect(again.body).toEqual({ user_id: ada.id, credentials: [] });
  });
});

describe("outages and limits", () => {
  test("T101 T103 what the service stands on is away: 503, JSON, and when to come again", async () => {
    const fail = async () => {
      throw new Outage("away");
    };
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    const web = await newWeb(at, backend);
    const noCodes = deployment({}, ({ userCodes }) => ({
      userCodes: { ...userCodes, issue: fail, lookUpOf: fail, ofUser: fail },
    }));
    const noInbox = deployment({}, ({ inboxes }) => ({ inboxes: { ...inboxes, takeGuess: fail } }));
    const answers = [
      await codes(noCodes, backend, "generate", ada),
      await codes(noCodes, backend, "authorize", ada, { body: { code } }),
      await codes(noCodes, backend, "invalidate-all", ada),
      await waitOn(noInbox, web, ada, code),
    ];
    for (const { status, body, headers } of answers) {
      expect([status, body.code, headers.get("Retry-After")]).toEqual([503, "internal_server_error", "2"]);
    }
  });

  test("T101 an outage uses up no guess", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    const away = async () => {
      throw new Outage("away");
    };
    const noCodes = deployment({}, ({ userCodes }) => ({ userCodes: { ...userCodes, lookUpOf: away } }));
    for (let guess = 0; guess < 6; guess++) {
      expect((await codes(noCodes, backend, "authorize", ada, { body: { code } })).status).toBe(503);
    }
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
  });

  test("a code row whose challenge was never begun approves nothing", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const broken = deployment({}, ({ challenges }) => ({
      challenges: {
        ...challenges,
        open: async () => {
          throw new Outage("away");
        },
      },
    }));
    expect((await codes(broken, backend, "generate", ada)).status).toBe(503);
    expect((await codes(at, backend, "invalidate-all", ada)).status).toBe(200);
  });

  test("T05 a client's starts are limited, with 429 in this door's shape", async () => {
    const backend = await newBackend(at, { settings: { starts_per_minute: 2 } });
    const ada = await newAda(at);
    await generated(at, backend, ada);
    await generated(at, backend, ada);
    const third = await codes(at, backend, "generate", ada);
    expect([third.status, third.body.code]).toEqual([429, "too_many_requests"]);
    expect(Number(third.headers.get("Retry-After"))).toBeGreaterThan(0);
  });

  test("T51 an address that misses too often waits, and a backend does not", async () => {
    const limited = deployment({ IP_LIMITS: "on" }, ({ limits }) => ({
      limits: { ...limits, miss: async () => false },
    }));
    const web = await newBackend(at, { kind: "public" });
    const ada = await newAda(at);
    const here = { "CF-Connecting-IP": "203.0.113.99" };
    const refused = await waitOn(limited, web, ada, "000000", {}, here);
    expect([refused.status, refused.body.code]).toEqual([429, "too_many_requests"]);
    const blocked = deployment({ IP_LIMITS: "on" }, ({ limits }) => ({
      limits: { ...limits, blocked: () => true },
    }));
    expect((await waitOn(blocked, web, ada, "000000", {}, here)).status).toBe(429);
    const backend = await newBackend(at);
    const headers = { ...here, Authorization: `Bearer ${await tokenOf(backend, "auth.temporary")}` };
    expect((await waitOn(blocked, backend, ada, "000000", {}, headers)).status).toBe(404);
  });
});
