import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toBase64Url } from "../../../../src/core/base64.ts";
import { endInFlight } from "../../../../src/core/challenge/end-in-flight.ts";
import { startChallenge } from "../../../../src/core/challenge/start.ts";
import { revokeDevice } from "../../../../src/core/device/revoke.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { type DeviceId, type UserId, userSubject } from "../../../../src/core/ids.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { deleteUser } from "../../../../src/core/user/delete.ts";
import { newTenant } from "../../support/authsignal.ts";
import { newParty, type Party, start } from "../../support/ciba.ts";
import { authsignalPhone } from "../../support/devices.ts";
import { pageDeployment } from "../../support/page.ts";
import { enrolPhone, newPhoneOf, newPhoneOwner, type Phone, ticketFor } from "../../support/phone.ts";

const CONTACT = "mailto:ops@sign.example";
const at = pageDeployment({ PUSH_CONTACT: CONTACT, ALLOW_PRIVATE_CALLBACKS: "false" });
const off = pageDeployment();
/** Without the development outbox, which takes what wakes apps. */
const silent = pageDeployment({ DELIVERY: "none" });
// biome-ignore lint/suspicious/noExplicitAny: the support of CIBA takes a deployment that can be asked
const deployed = at as any;

type Sent = { readonly url: string; readonly init: RequestInit };
const sent: Sent[] = [];
/** What the push service answers, by the end of the endpoint; 201 else. */
const answers = new Map<string, number>();

beforeEach(() => {
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    sent.push({ url: String(url), init });
    const status = [...answers].find(([end]) => String(url).endsWith(end))?.[1] ?? 201;
    return new Response(null, { status });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  sent.splice(0);
  at.queued.splice(0);
  answers.clear();
});

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));

/** A subscription as a browser gives it. */
async function newSubscription(host = "updates.push.services.mozilla.com") {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const pair = (await crypto.subtle.generateKey(curve, true, ["deriveBits"])) as CryptoKeyPair;
  const point = new Uint8Array((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer);
  return {
    endpoint: `https://${host}/wpush/${crypto.randomUUID()}`,
    keys: { p256dh: toBase64Url(point), auth: toBase64Url(random(16)) },
  };
}

const put = (phone: Phone, body: unknown) => phone.call("PUT", "/push-subscription", body);

async function newWokenOwner() {
  const owner = await newPhoneOwner(at);
  const subscription = await newSubscription();
  expect(await put(owner.phone, subscription)).toMatchObject({ status: 204 });
  return { ...owner, subscription, end: subscription.endpoint.slice(-36) };
}

/** One more phone of the same user, which is woken too. */
async function another(id: UserId, by: Pick<Phone, "deviceId">) {
  const leave = await ticketFor(at, id, { deviceId: by.deviceId as DeviceId });
  const { phone } = await enrolPhone(at, leave, "key");
  if (!phone) throw new Error("no phone");
  const subscription = await newSubscription();
  expect(await put(phone, subscription)).toMatchObject({ status: 204 });
  // That it was added has woken the others.
  sent.splice(0);
  return { phone, subscription };
}

/** A user whose phone page was let in by the phone of a client's app: it goes as far as that one, and is woken. */
async function newLetInOwner() {
  const { id, phone: own } = await newPhoneOwner(at);
  const tenant = await newTenant(deployed);
  const vendors = await authsignalPhone(deployed, { userId: id, through: tenant });
  return { id, own, tenant, ...(await another(id, { deviceId: vendors.id })) };
}

const begin = async (party: Party, id: string, over: Record<string, string> = {}) => {
  const started = await start(deployed, party, id, over);
  expect(started.status, JSON.stringify(started.body)).toBe(200);
  return started;
};
const wokenAt = () => sent.map(({ url }) => url);
const keptOf = async (id: UserId) =>
  (await at.services.inboxes.subscriptionsOf(userSubject(id))).map(({ device }) => device);
const pushes = () => (at.queued as QueueMessage[]).filter((message) => message.kind === "push");

/** Brings a message as the queue does; after how many seconds it comes again, if it does. */
async function bring(body: QueueMessage, attempts = 1): Promise<number | undefined> {
  let again: number | undefined;
  let acked = 0;
  const ack = () => {
    acked += 1;
  };
  const retry = ({ delaySeconds }: { delaySeconds: number }) => {
    again = delaySeconds;
  };
  await consumeEvents(at.services, [{ body, attempts, ack, retry }]);
  expect(acked).toBe(again === undefined ? 1 : 0);
  return again;
}

describe("T33 a device that is added", () => {
  test("wakes the others of its user, and says nothing of itself; itself is not woken", async () => {
    const { id, phone, subscription } = await newWokenOwner();
    const stranger = await newWokenOwner();
    sent.splice(0);
    const { phone: added } = await enrolPhone(
      at,
      await ticketFor(at, id, { deviceId: phone.deviceId as DeviceId }),
      "key",
    );
    expect(added).toBeDefined();
    expect(wokenAt()).toEqual([subscription.endpoint]);
    expect(wokenAt()).not.toContain(stranger.subscription.endpoint);
    const headers = new Headers(sent[0]?.init.headers);
    expect(headers.get("Content-Encoding")).toBe("aes128gcm");
    expect(Number(headers.get("TTL"))).toBeGreaterThan(86_000);
    expect((await put(added as Phone, await newSubscription())).status).toBe(204);
    sent.splice(0);
    await enrolPhone(at, await ticketFor(at, id, { deviceId: phone.deviceId as DeviceId }), "key");
    expect(sent).toHaveLength(2);
  });

  test("does not wake a phone that another client's device had let in: it may not see it", async () => {
    const { id, own, phone, subscription } = await newLetInOwner();
    await newPhoneOf(at, id, "key", { deviceId: own.deviceId as DeviceId });
    expect(wokenAt()).toEqual([]);
    // One of its own reach it may see.
    await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as DeviceId });
    expect(wokenAt()).toEqual([subscription.endpoint]);
  });
});

describe("a device says how it is woken", () => {
  test("by the deployment's own key, which is shown where Web Push is on", async () => {
    const config = (await (await at.ask("/approver/config")).json()) as { push?: { public_key: string } };
    expect(config.push?.public_key).toMatch(/^B[A-Za-z0-9_-]{86}$/);
    expect(config.push?.public_key).toBe(await at.services.pushes.publicKey());
    const without = (await (await off.ask("/approver/config")).json()) as object;
    expect(without).not.toHaveProperty("push");
    const jwks = await (await at.ask("/.well-known/jwks.json")).text();
    expect(jwks).not.toContain(config.push?.public_key.slice(2, 40));
  });

  test("sees by a digest whether it still is, and takes it back", async () => {
    const { phone, subscription } = await newWokenOwner();
    const bytes = new TextEncoder().encode(subscription.endpoint);
    const digest = toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
    expect((await phone.call("GET", "/push-subscription")).body).toEqual({ endpoint: digest });
    expect(await phone.call("DELETE", "/push-subscription")).toMatchObject({ status: 204 });
    expect((await phone.call("GET", "/push-subscription")).body).toEqual({});
    expect(await phone.call("DELETE", "/push-subscription")).toMatchObject({ status: 204 });
  });

  test("is its own alone: another device of the user sees and changes nothing of it", async () => {
    const { phone, id } = await newWokenOwner();
    const { phone: other } = await another(id, phone);
    await other.call("DELETE", "/push-subscription");
    expect(await keptOf(id)).toEqual([phone.deviceId]);
    expect((await other.call("GET", "/push-subscription")).body).toEqual({});
  });

  test("needs the device's session and its proof", async () => {
    const body = JSON.stringify(await newSubscription());
    for (const method of ["PUT", "GET", "DELETE"]) {
      const headers = { "Content-Type": "application/json" };
      const init = { method, headers, ...(method === "PUT" ? { body } : {}) };
      expect((await at.ask("/approver/push-subscription", init)).status).toBe(401);
    }
  });

  test.each([
    ["of a private address", "https://169.254.169.254/latest"],
    ["of this machine", "https://127.0.0.1/send"],
    ["of an internal name", "https://push.internal/send"],
    ["of any public host", "https://push.example/send"],
    ["by http", "http://updates.push.services.mozilla.com/wpush/a"],
    ["of a name that looks alike", "https://fcm.googleapis.com.push.example/send"],
    ["with credentials", "https://fcm.googleapis.com@push.example/send"],
  ])("T97 an endpoint %s is refused, kept nowhere and never called", async (_, endpoint) => {
    const { phone, id } = await newPhoneOwner(at);
    const answer = await put(phone, { ...(await newSubscription()), endpoint });
    expect(answer).toMatchObject({ status: 422, body: { code: "endpoint" } });
    await begin(await newParty(deployed), id);
    expect(await keptOf(id)).toEqual([]);
    expect(sent).toEqual([]);
  });

  test("T97 an endpoint that was kept under looser rules is not called", async () => {
    const { phone, id } = await newPhoneOwner(at);
    const { keys } = await newSubscription();
    const target = { endpoint: "https://10.0.0.1/send", ...keys };
    const device = phone.deviceId as DeviceId;
    const through = { clientId: "countersign" as never, reach: "realm" } as const;
    await at.services.inboxes.subscribe(userSubject(id), { device, through, target, at: Date.now() });
    await begin(await newParty(deployed), id);
    expect(sent).toEqual([]);
    expect(pushes()).toEqual([]);
  });

  test("T97 keys that are no point of the curve are refused", async () => {
    const { phone } = await newPhoneOwner(at);
    const good = await newSubscription();
    const p256dh = toBase64Url(Uint8Array.of(4, ...random(64)));
    expect(await put(phone, { ...good, keys: { ...good.keys, p256dh } })).toMatchObject({
      status: 422,
      body: { code: "keys" },
    });
    const auth = toBase64Url(random(12));
    expect((await put(phone, { ...good, keys: { ...good.keys, auth } })).status).toBe(422);
  });

  test.each([
    ["no keys", { endpoint: "https://fcm.googleapis.com/a" }],
    ["a number", { endpoint: 1, keys: { p256dh: "a", auth: "b" } }],
    ["an FCM token with a slash", { fcm: { token: "a/../b" } }],
  ])("a body with %s is malformed", async (_, body) => {
    const { phone } = await newPhoneOwner(at);
    expect(await put(phone, body)).toMatchObject({ status: 400, body: { code: "malformed" } });
  });

  test("what the deployment does not do is refused", async () => {
    const { phone } = await newPhoneOwner(silent);
    const refused = { status: 422, body: { code: "no_push" } };
    expect(await put(phone, await newSubscription())).toMatchObject(refused);
    expect(await put(phone, { fcm: { token: "registration" } })).toMatchObject(refused);
  });
});

describe("a request that is put before a user", () => {
  test("wakes each of their devices at once, without a queue", async () => {
    const { id, phone, subscription } = await newWokenOwner();
    const second = await another(id, phone);
    await begin(await newParty(deployed), id);
    expect(wokenAt().sort()).toEqual([subscription.endpoint, second.subscription.endpoint].sort());
    expect(pushes()).toEqual([]);
    const headers = new Headers(sent[0]?.init.headers);
    expect(headers.get("Authorization")).toContain(`k=${await at.services.pushes.publicKey()}`);
    expect(Number(headers.get("TTL"))).toBeGreaterThan(0);
  });

  test("wakes a phone that another client's device had let in only where that client may answer", async () => {
    const { id, tenant, subscription } = await newLetInOwner();
    await begin(await newParty(deployed, { approve_through: "own" }), id);
    expect(wokenAt()).toEqual([]);
    await begin(await newParty(deployed, { approve_through: [tenant.id] }), id);
    expect(wokenAt()).toEqual([subscription.endpoint]);
  });

  test("that is kept back wakes nobody", async () => {
    const { id } = await newWokenOwner();
    const party = await newParty(deployed);
    await at.services.inboxes.silence(userSubject(id), {
      clientId: party.id,
      caller: { brought: "secret" },
    });
    await begin(party, id);
    expect(sent).toEqual([]);
  });

  test("tells its starter nothing of where devices are woken", async () => {
    const { id } = await newWokenOwner();
    const party = await newParty(deployed);
    const client = await at.services.clients.find(party.id);
    if (!client) throw new Error("no client");
    const started = await startChallenge(at.services, {
      ...{ door: "oauth", purpose: "sign_in", scope: "openid", matchCode: true, requiresClaim: false },
      ...{ client, caller: { brought: "secret" }, user: { id, locked: false }, context: {}, origin: {} },
      ...{ lifetime: 60_000, redeemWindow: 60_000, replayWindow: 0 },
      draw: async () => at.services.challenges.fresh(),
    });
    expect(started).toMatchObject({ ok: true, value: { prompt: { outcome: "listed" } } });
    expect(started.ok && started.value.prompt).not.toHaveProperty("push");
    await vi.waitFor(() => expect(sent).toHaveLength(1), 10_000);
  });

  test("wakes nobody where its challenge did not come about", async () => {
    const { id } = await newWokenOwner();
    const party = await newParty(deployed);
    const lost = new Outage("the answer was lost");
    vi.spyOn(at.services.challenges, "open").mockRejectedValueOnce(lost);
    expect(await start(deployed, party, id)).toMatchObject({ status: 503 });
    expect(sent).toEqual([]);
    vi.restoreAllMocks();
  });

  test.each([404, 410])("%d: the subscription has ended, and is forgotten", async (status) => {
    const { id, end, phone } = await newWokenOwner();
    const second = await another(id, phone);
    answers.set(end, status);
    await begin(await newParty(deployed), id);
    expect(await keptOf(id)).toEqual([second.phone.deviceId]);
    expect(pushes()).toEqual([]);
    expect((await phone.call("GET", "/push-subscription")).body).toEqual({});
  });

  test.each([400, 401, 403, 413])("%d: is not tried again, and the subscription stays", async (status) => {
    const { id, end, phone } = await newWokenOwner();
    answers.set(end, status);
    await begin(await newParty(deployed), id);
    expect(await keptOf(id)).toEqual([phone.deviceId]);
    expect(pushes()).toEqual([]);
  });
});

describe("what may pass is tried again by the queue", () => {
  async function failed(status: number) {
    const owner = await newWokenOwner();
    const party = await newParty(deployed);
    answers.set(owner.end, status);
    const started = await begin(party, owner.id);
    const [message] = pushes();
    if (!message) throw new Error("nothing waits in the queue");
    sent.splice(0);
    return { ...owner, party, started, message };
  }

  test.each([429, 500, 503])("%d: until it is taken, later each time", async (status) => {
    const { message, end, subscription } = await failed(status);
    expect(await bring(message)).toBe(5);
    expect(await bring(message, 2)).toBe(15);
    answers.delete(end);
    expect(await bring(message, 3)).toBeUndefined();
    expect(wokenAt()).toEqual(Array(3).fill(subscription.endpoint));
  });

  test("also where the own key could not be opened", async () => {
    const { id, subscription } = await newWokenOwner();
    vi.spyOn(at.services.pushes, "send").mockRejectedValueOnce(new Outage("the key cannot be opened now"));
    await begin(await newParty(deployed), id);
    expect(sent).toEqual([]);
    const [message] = pushes();
    if (!message) throw new Error("nothing waits in the queue");
    expect(await bring(message)).toBeUndefined();
    expect(wokenAt()).toEqual([subscription.endpoint]);
    vi.restoreAllMocks();
  });

  test("by ids alone: nothing of where a device is woken rests in the queue", async () => {
    const { message, id, phone, subscription } = await failed(503);
    const { kind, userId, device, challengeId, expiresAt, ...rest } = message;
    expect({ kind, userId, device, rest }).toEqual({
      kind: "push",
      userId: id,
      device: phone.deviceId,
      rest: {},
    });
    expect(String(challengeId)).toMatch(/^[0-9a-f]{64}$/);
    expect(expiresAt).toBeGreaterThan(Date.now());
    expect(JSON.stringify(message)).not.toContain(subscription.keys.auth);
  });

  test("and is forgotten when it ends there", async () => {
    const { message, end, id } = await failed(503);
    answers.set(end, 410);
    expect(await bring(message)).toBeUndefined();
    expect(await keptOf(id)).toEqual([]);
  });

  test("not once the request is over", async () => {
    const { message } = await failed(503);
    vi.useFakeTimers({ toFake: ["Date"], now: message.expiresAt });
    expect(await bring(message)).toBeUndefined();
    expect(sent).toEqual([]);
  });

  test("not where the next attempt would come after its end", async () => {
    const { message } = await failed(503);
    vi.useFakeTimers({ toFake: ["Date"], now: message.expiresAt - 10_000 });
    expect(await bring(message, 1)).toBe(5);
    expect(await bring(message, 2)).toBeUndefined();
  });

  test("not once it was answered", async () => {
    const { message, phone } = await failed(503);
    const [prompt] = await phone.prompts();
    expect(await phone.decide(prompt, { decision: "deny" })).toMatchObject({ status: 200 });
    expect(await bring(message)).toBeUndefined();
    expect(sent).toEqual([]);
  });

  test("at the device's newest subscription, and not where it took that back", async () => {
    const { message, phone, end } = await failed(503);
    const newer = await newSubscription();
    await put(phone, newer);
    answers.delete(end);
    expect(await bring(message)).toBeUndefined();
    expect(wokenAt()).toEqual([newer.endpoint]);
    await phone.call("DELETE", "/push-subscription");
    expect(await bring(message)).toBeUndefined();
    expect(sent).toHaveLength(1);
  });

  test("a dead address does not take the newer one of its device with it", async () => {
    const { id, phone, end } = await newWokenOwner();
    const newer = await newSubscription();
    answers.set(end, 410);
    const taken = vi.spyOn(at.services.inboxes, "unsubscribe");
    vi.stubGlobal("fetch", async () => {
      // The device subscribes anew while the old address is called.
      vi.unstubAllGlobals();
      expect(await put(phone, newer)).toMatchObject({ status: 204 });
      return new Response(null, { status: 410 });
    });
    await begin(await newParty(deployed), id);
    expect(taken).toHaveBeenCalledTimes(1);
    expect(await keptOf(id)).toEqual([phone.deviceId]);
    taken.mockRestore();
  });
});

describe("what ends with a device or its user", () => {
  const by = { actor: "admin" } as const;

  test("a removed device is woken no more, and does not come back by a call on its way", async () => {
    const { id, phone, subscription } = await newWokenOwner();
    const reason = "admin_removed";
    await revokeDevice(at.services, { userId: id, deviceId: phone.deviceId as DeviceId, reason, ...by });
    expect(await keptOf(id)).toEqual([]);
    // As a call that had found its device live a moment before.
    const target = { endpoint: subscription.endpoint, ...subscription.keys };
    const late = { device: phone.deviceId as DeviceId, through: { clientId: "c" as never }, target, at: 0 };
    expect(await at.services.inboxes.subscribe(userSubject(id), late)).toBe(false);
    expect(await put(phone, subscription)).toMatchObject({ status: 401, body: { code: "session_over" } });
    await begin(await newParty(deployed), id);
    expect(sent).toEqual([]);
  });

  test("a locked user's devices are woken no more", async () => {
    const { id } = await newWokenOwner();
    await endInFlight(at.services, { userId: id, reason: "user_locked", ...by });
    expect(await keptOf(id)).toEqual([]);
  });

  test("of a deleted user nothing is kept, also by a call on its way", async () => {
    const { id, phone, subscription } = await newWokenOwner();
    expect((await deleteUser(at.services, id, by)).ok).toBe(true);
    expect(await keptOf(id)).toEqual([]);
    const target = { endpoint: subscription.endpoint, ...subscription.keys };
    const late = { device: phone.deviceId as DeviceId, through: { clientId: "c" as never }, target, at: 0 };
    expect(await at.services.inboxes.subscribe(userSubject(id), late)).toBe(false);
  });
});

describe("a client's own server", () => {
  const told = () => (at.queued as QueueMessage[]).filter((message) => message.kind === "webhook");

  test("hears of each request that is put before a user, where its client asks for it: ids and times alone", async () => {
    const { id } = await newPhoneOwner(at);
    const party = await newParty(deployed, { prompt_webhook: true });
    const before = Date.now();
    await begin(party, id, { binding_message: "Table 4" });
    expect(told()).toEqual([
      {
        kind: "webhook",
        clientId: party.id,
        event: {
          id: expect.stringMatching(/^[0-9a-f]{32}$/),
          at: expect.any(Number),
          type: "prompt.created",
          actor: "system",
          userId: id,
          clientId: party.id,
          data: {
            challenge_id: expect.stringMatching(/^[0-9a-f]{64}$/),
            expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
          },
        },
      },
    ]);
    const [message] = told();
    const until = message?.kind === "webhook" ? String(message.event.data?.expires_at) : "";
    expect(Date.parse(until)).toBeGreaterThan(before);
  });

  test("hears nothing otherwise, nor of a request that was kept back", async () => {
    const { id } = await newPhoneOwner(at);
    await begin(await newParty(deployed), id);
    const party = await newParty(deployed, { prompt_webhook: true });
    await at.services.inboxes.silence(userSubject(id), {
      clientId: party.id,
      caller: { brought: "secret" },
    });
    await begin(party, id);
    expect(told()).toEqual([]);
  });
});

describe("the development outbox", () => {
  const shown = async (deployment: typeof off, to: string) => {
    const answer = await deployment.ask(`/dev/outbox?to=${encodeURIComponent(to)}`);
    return ((await answer.json()) as { messages: Record<string, unknown>[] }).messages;
  };
  /** The support of CIBA takes a deployment that can be asked. */
  const asked = async (deployment: typeof off, id: UserId) =>
    // biome-ignore lint/suspicious/noExplicitAny: the same
    await start(deployment as any, await newParty(deployment as any), id);

  test("shows what would wake an app, which needs no service account, and sends nothing", async () => {
    const { id, phone } = await newPhoneOwner(off, "key");
    const token = `reg-${crypto.randomUUID()}`;
    expect(await put(phone, { fcm: { token } })).toMatchObject({ status: 204 });
    await asked(off, id);
    const [prompt] = await phone.prompts();
    expect(await shown(off, token)).toEqual([
      {
        id: expect.any(String),
        channel: "push",
        to: token,
        text: "Sign-in request. Open to see who asks.",
        link: `http://localhost:8787/phone#prompt=${prompt.id}`,
        at: expect.any(Number),
      },
    ]);
    expect(sent).toEqual([]);
  });

  test("shows a push beside its sending where a contact is set", async () => {
    const { id, subscription } = await newWokenOwner();
    await asked(at, id);
    expect(await shown(at, subscription.endpoint)).toMatchObject([{ channel: "push" }]);
    expect(sent.map(({ url }) => url)).toEqual([subscription.endpoint]);
  });
});
