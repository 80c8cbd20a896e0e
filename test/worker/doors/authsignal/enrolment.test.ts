import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import { Outage } from "../../../../src/core/fault.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import {
  answer,
  basic,
  bearer,
  enrol,
  inQuery,
  type Key,
  newKey,
  newTenant,
  server,
  startPush,
  type Tenant,
  track,
} from "../../support/authsignal.ts";
import { type Deployment, deployment, fresh } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

/** A deployment whose queue is listened to, and whose webhooks take everything. */
function place() {
  const queued: QueueMessage[] = [];
  const at = deployment({}, () => ({
    events: { send: async (message) => void queued.push(message) },
    actionWebhooks: { send: async () => ({ kind: "sent" }) },
  }));
  const told = () =>
    queued.flatMap((message) =>
      message.kind === "action_webhook" ? [[message.event.type, message.event.data] as const] : [],
    );
  return { at, told };
}

const hooked = (at: Deployment, settings: ClientSettings = {}) =>
  newTenant(at, settings, { webhookUrl: "https://hook.example/in" });

const tokenFor = async (at: Deployment, tenant: Tenant, user: string, scope?: string): Promise<string> => {
  const { body } = await track(at, tenant, user, "add", scope === undefined ? {} : { scope });
  return String(body.token);
};

const ADD = "add:authenticators";
const add = (at: Deployment, token: string, key: Key, namespace = "push") =>
  at.call(
    "POST",
    `/v1/client/user-authenticators/${namespace}`,
    { publicKey: key.text, deviceName: "Jane's iPhone", devicePlatform: "ios" },
    bearer(token),
  );

const enrolledIds = async (at: Deployment, tenant: Tenant, user: string): Promise<unknown[]> => {
  const { body } = await server(at, tenant, "GET", `/users/${user}/authenticators`);
  return (body as unknown as { userAuthenticatorId: string }[]).map((each) => each.userAuthenticatorId);
};

const read = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body.error];
const NOT_ALLOWED = [401, "unauthorized"];
const NOT_THIS_KEY = [400, "invalid_request"];

describe("the first device, without the word of the backend", () => {
  test("T100 race: of twenty tokens with twenty keys one enrols, and the others are refused", async () => {
    const { at, told } = place();
    const tenant = await hooked(at);
    const user = fresh("u");
    const pairs = [];
    for (let racer = 0; racer < 20; racer++) {
      pairs.push({ token: await tokenFor(at, tenant, user), key: await newKey() });
    }
    const added = await Promise.all(pairs.map(({ token, key }) => add(at, token, key)));
    const won = added.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const each of added.filter((each) => !won.includes(each))) expect(read(each)).toEqual(NOT_ALLOWED);
    expect(await enrolledIds(at, tenant, user)).toEqual([won[0]?.body.userAuthenticatorId]);
    expect(told().map(([type]) => type)).toEqual(["authenticator.created"]);
    const record = await called(at, user);
    const events = await at.services.records.events({ userId: record?.user.id as never, size: 100 });
    expect(events.filter(({ type }) => type === "device.enrolled")).toHaveLength(1);
  });

  test("race: of twenty tokens with one key all are told of one device", async () => {
    const { at, told } = place();
    const tenant = await hooked(at);
    const user = fresh("u");
    const key = await newKey();
    const tokens = [];
    for (let racer = 0; racer < 20; racer++) tokens.push(await tokenFor(at, tenant, user));
    const added = await Promise.all(tokens.map((token) => add(at, token, key)));
    const ids = new Set(added.map(({ body }) => body.userAuthenticatorId));
    expect([added.map(({ status }) => status), ids.size]).toEqual([Array(20).fill(200), 1]);
    expect(await enrolledIds(at, tenant, user)).toEqual([...ids]);
    expect(told()).toHaveLength(1);
  });

  test("is told again when it comes again; no other is first once more when it was removed", async () => {
    const { at } = place();
    const tenant = await hooked(at);
    const user = fresh("u");
    const [key, other] = [await newKey(), await newKey()];
    const token = await tokenFor(at, tenant, user);
    const first = await add(at, token, key);
    expect(first.status).toBe(200);
    expect((await add(at, token, key)).body.userAuthenticatorId).toBe(first.body.userAuthenticatorId);
    expect(read(await add(at, await tokenFor(at, tenant, user), other))).toEqual(NOT_ALLOWED);
    await server(at, tenant, "DELETE", `/users/${user}/authenticators/${first.body.userAuthenticatorId}`);
    expect(read(await add(at, await tokenFor(at, tenant, user), other))).toEqual(NOT_ALLOWED);
  });

  test("may be tried again with another key and token when the database did not take it", async () => {
    const tenant = await newTenant(deployment());
    let fails = true;
    const at = deployment({}, ({ devices }) => ({
      devices: {
        ...devices,
        insertFirst: async (...given) => {
          if (fails) throw new Outage("down");
          return await devices.insertFirst(...given);
        },
      },
    }));
    const user = fresh("u");
    expect((await add(at, await tokenFor(at, tenant, user), await newKey())).status).toBe(503);
    fails = false;
    expect((await add(at, await tokenFor(at, tenant, user), await newKey())).status).toBe(200);
  });

  test("is refused to somebody whose client wants the scope from everybody", async () => {
    const { at } = place();
    const tenant = await hooked(at, { enrol_without_scope: false });
    const user = fresh("u");
    const key = await newKey();
    expect(read(await add(at, await tokenFor(at, tenant, user), key))).toEqual(NOT_ALLOWED);
    expect((await add(at, await tokenFor(at, tenant, user, ADD), key)).status).toBe(200);
  });
});

describe("a key that comes again in another namespace", () => {
  test("is one device still, good in all of them, on the backend's word alone", async () => {
    const { at, told } = place();
    const tenant = await hooked(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user, "push");
    const status = async (namespace: string) => {
      const path = `/v1/client/user-authenticators/${namespace}?publicKey=${inQuery(phone.key)}`;
      return (await at.call("GET", path, undefined, basic(tenant.id))).status;
    };
    const without = await tokenFor(at, tenant, user);
    expect(read(await add(at, without, phone.key, "qr-code"))).toEqual(NOT_ALLOWED);
    expect([await status("push"), await status("qr-code")]).toEqual([200, 400]);
    const scoped = await tokenFor(at, tenant, user, ADD);
    for (let again = 0; again < 2; again++) {
      const added = await add(at, scoped, phone.key, "qr-code");
      expect([added.status, added.body.userAuthenticatorId]).toEqual([200, phone.id]);
    }
    expect([await status("push"), await status("qr-code")]).toEqual([200, 200]);
    expect(await enrolledIds(at, tenant, user)).toEqual([phone.id]);
    expect(told().map(([type]) => type)).toEqual(["authenticator.created", "authenticator.updated"]);
    const record = await called(at, user);
    const [event] = await at.services.records.events({ userId: record?.user.id as never, size: 1 });
    expect(event).toMatchObject({ type: "device.updated", deviceId: phone.id, reason: "added_to_qr-code" });
  });
});

describe("a key that is another user's", () => {
  test("moves on the backend's word: the one before loses it, is told of, and is on record", async () => {
    const { at, told } = place();
    const tenant = await hooked(at);
    const [before, after] = [fresh("before"), fresh("after")];
    const phone = await enrol(at, tenant, before);
    const { id, answer: started } = await startPush(at, tenant, before);
    expect(started.status).toBe(200);
    const moved = await add(at, await tokenFor(at, tenant, after, ADD), phone.key);
    expect([moved.status, moved.body.userId]).toEqual([200, after]);
    expect(moved.body.userAuthenticatorId).not.toBe(phone.id);
    expect(await enrolledIds(at, tenant, before)).toEqual([]);
    expect(await enrolledIds(at, tenant, after)).toEqual([moved.body.userAuthenticatorId]);
    // One key never answers for two: what was asked of the one before is not the new one's to answer.
    expect(read(await answer(at, phone, id, true))).toEqual(NOT_THIS_KEY);
    const of = (user: string, id: unknown) => ({ userId: user, userAuthenticatorId: id });
    expect(told().slice(1)).toEqual([
      ["authenticator.deleted", expect.objectContaining(of(before, phone.id))],
      ["authenticator.created", expect.objectContaining(of(after, moved.body.userAuthenticatorId))],
    ]);
    const record = await called(at, before);
    const [event] = await at.services.records.events({ userId: record?.user.id as never, size: 1 });
    expect(event).toMatchObject({
      type: "device.revoked",
      deviceId: phone.id,
      reason: "enrolled_by_another_user",
      actor: `client:${tenant.id}`,
    });
  });

  test("T25 does not move for a token that any new user has, through another client, or where the client says no", async () => {
    const { at, told } = place();
    const tenant = await hooked(at);
    const other = await hooked(at);
    const strict = await hooked(at, { rebind_devices: false });
    const owner = fresh("owner");
    const kept = await enrol(at, tenant, owner);
    const own = await enrol(at, strict, fresh("strict"));
    const thief = () => fresh("thief");
    const tries = {
      "without the scope": await add(at, await tokenFor(at, tenant, thief()), kept.key),
      "through another client": await add(at, await tokenFor(at, other, thief(), ADD), kept.key),
      "against the client's setting": await add(at, await tokenFor(at, strict, thief(), ADD), own.key),
    };
    for (const [name, tried] of Object.entries(tries)) expect(read(tried), name).toEqual(NOT_THIS_KEY);
    expect(await enrolledIds(at, tenant, owner)).toEqual([kept.id]);
    expect(told().map(([type]) => type)).toEqual(["authenticator.created", "authenticator.created"]);
    const { id } = await startPush(at, tenant, owner);
    expect((await answer(at, kept, id, true)).body).toEqual({ isVerified: true });
  });

  test("T25 of another door does not move", async () => {
    const { at } = place();
    const tenant = await hooked(at);
    const owner = fresh("owner");
    const phone = await enrol(at, tenant, owner);
    await (env as { DB: D1Database }).DB.prepare("update devices set door = 'loginid' where id = ?")
      .bind(phone.id)
      .run();
    const tried = await add(at, await tokenFor(at, tenant, fresh("u"), ADD), phone.key);
    expect(read(tried)).toEqual(NOT_THIS_KEY);
    expect(await enrolledIds(at, tenant, owner)).toEqual([phone.id]);
  });

  test("T100 race: of twenty who want it one has it, and the one before does not", async () => {
    const { at } = place();
    const tenant = await hooked(at);
    const owner = fresh("owner");
    const phone = await enrol(at, tenant, owner);
    const users = Array.from({ length: 20 }, () => fresh("u"));
    const tokens = [];
    for (const user of users) tokens.push(await tokenFor(at, tenant, user, ADD));
    const added = await Promise.all(tokens.map((token) => add(at, token, phone.key)));
    const holder = await at.call(
      "GET",
      `/v1/client/user-authenticators/push?publicKey=${encodeURIComponent(btoa(phone.key.text))}`,
      undefined,
      basic(tenant.id),
    );
    const last = added.find(({ body }) => body.userAuthenticatorId === holder.body.userAuthenticatorId);
    expect(last?.status).toBe(200);
    const all = await Promise.all([owner, ...users].map((user) => enrolledIds(at, tenant, user)));
    expect(all.flat()).toEqual([holder.body.userAuthenticatorId]);
    for (const { status } of added) expect([200, 400]).toContain(status);
  });
});
