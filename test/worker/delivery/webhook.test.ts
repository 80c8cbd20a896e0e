import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AuditEvent } from "../../../src/core/audit/event.ts";
import { readCallbackTarget } from "../../../src/core/client/callback-target.ts";
import { disableClient, rotateClientSecret } from "../../../src/core/client/manage.ts";
import { refreshGrant } from "../../../src/core/grant/refresh.ts";
import type { ClientId } from "../../../src/core/ids.ts";
import { consumeEvents, type Delivery } from "../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../src/core/message/queue.ts";
import type { NewClient } from "../../../src/core/ports/clients.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { readEnv } from "../../../src/env.ts";
import { wiring } from "../../../src/wiring.ts";
import { ALLOWED_CALLBACKS, REFUSED_CALLBACKS } from "../../vectors/callback-targets.ts";
import { redeemed } from "../support/challenges.ts";

const NOW = Date.UTC(2026, 9, 2, 3, 4, 5);
const HOOK = "https://hooks.example.com/countersign";
const HOUR = 3_600_000;

type Post = { readonly url: string; readonly init: RequestInit; readonly body: string };
let posts: Post[];
let answer: (url: string) => Response | Promise<Response>;
let sent: QueueMessage[];
let logged: unknown[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(NOW);
  posts = [];
  sent = [];
  logged = [];
  answer = () => new Response(null, { status: 204 });
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    posts.push({ url: String(url), init, body: String(init.body) });
    return await answer(String(url));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The Worker's own services, with what it would queue and log caught. */
function services(variables: Readonly<Record<string, string>> = {}): Services {
  const read = readEnv({ ...env, ...variables });
  if (!read.ok) throw new Error(read.error.join());
  const background: Promise<unknown>[] = [];
  const powers = wiring(read.value, { waitUntil: (work) => background.push(work) });
  const events = { send: async (message: QueueMessage) => void sent.push(message) };
  return { ...powers, events, log: (...line) => void logged.push(line) };
}

async function newClient(powers: Services, over: Partial<NewClient> = {}) {
  const client: NewClient = {
    id: crypto.randomUUID() as ClientId,
    name: "Shop",
    kind: "confidential",
    redirectUris: [],
    allowedOrigins: [],
    grantTypes: ["refresh_token"],
    publicKeys: [],
    webhookUrl: HOOK,
    settings: {},
    ...over,
  };
  const made = client.kind === "confidential" ? await powers.secrets.make() : undefined;
  expect(await powers.clients.insert(client, made?.kept, Date.now())).toBe(true);
  return { id: client.id, secret: made?.secret ?? "" };
}

const event = (over: Partial<AuditEvent> = {}): AuditEvent => ({
  id: crypto.randomUUID(),
  at: Date.now(),
  type: "refresh_reused",
  actor: "system",
  ...over,
});

/** Hands messages to the consumer; answers what became of each. */
async function deliver(powers: Services, messages: readonly QueueMessage[], attempts = 1) {
  const fates: (string | number)[] = [];
  const deliveries = messages.map(
    (body, index): Delivery => ({
      body: JSON.parse(JSON.stringify(body)),
      attempts,
      ack: () => {
        fates[index] = "acknowledged";
      },
      retry: ({ delaySeconds }) => {
        fates[index] = delaySeconds;
      },
    }),
  );
  await consumeEvents(powers, deliveries);
  return fates;
}

const told = (clientId: ClientId, what = event()): QueueMessage => ({
  kind: "webhook",
  clientId,
  event: what,
});

const headersOf = (post: Post) => new Headers(post.init.headers);

/** Standard Webhooks by Node's own crypto, over what was posted: under each secret's text, then under the key made of it. */
function signaturesOf(post: Post, ...secrets: string[]): string {
  const headers = headersOf(post);
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${post.body}`;
  const keys = secrets.map((secret) => createHmac("sha256", secret).update("webhook").digest());
  return [...secrets, ...keys]
    .map((key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`)
    .join(" ");
}

/** The rule of every door but Cotter's. */
const strict = { lane: "cotter", rotation: "strict", isOurs: () => true } as const;

describe("the client's webhook", () => {
  test("T84 is told of a refresh token that came back after the grace", async () => {
    const powers = services();
    const { id: clientId, secret } = await newClient(powers);
    const client = (await powers.clients.find(clientId))!;
    const grantId = await redeemed({ clientId });
    await powers.challenges.markListed(grantId);
    const first = await powers.handles.refreshToken((await powers.challenges.read(grantId))!.grant!);
    expect((await refreshGrant(powers, client, first, strict)).ok).toBe(true);
    vi.setSystemTime(NOW + 31_000);
    const again = await refreshGrant(powers, client, first, { ...strict, ip: "192.0.2.9" });
    expect(again).toEqual({ ok: false, error: { code: "refresh_reused" } });

    const messages = sent.filter(({ kind }) => kind === "webhook");
    expect(messages).toHaveLength(1);
    expect(await deliver(powers, messages)).toEqual(["acknowledged"]);
    expect(posts).toHaveLength(1);
    const [post] = posts as [Post];
    expect(post.url).toBe(HOOK);
    expect(post.init).toMatchObject({ method: "POST", redirect: "manual" });
    expect(JSON.parse(post.body)).toEqual({
      id: headersOf(post).get("webhook-id"),
      type: "refresh_reused",
      at: new Date(NOW + 31_000).toISOString(),
      client_id: clientId,
      user_id: expect.any(String),
      data: { grant_id: grantId },
    });
    expect(headersOf(post).get("webhook-timestamp")).toBe(String((NOW + 31_000) / 1_000));
    expect(headersOf(post).get("webhook-signature")).toBe(signaturesOf(post, secret));
  });

  test("T98 signs with both secrets while one is being replaced, and with the new one alone after", async () => {
    const powers = services();
    const { id, secret: old } = await newClient(powers);
    const rotated = await rotateClientSecret(powers, id, { actor: "admin" });
    if (!rotated.ok) throw new Error(rotated.error.code);
    const { secret, oldUntil } = rotated.value;
    vi.setSystemTime(oldUntil - 1_000);
    await deliver(powers, [told(id)]);
    vi.setSystemTime(oldUntil);
    await deliver(powers, [told(id)]);
    const [during, after] = posts as [Post, Post];
    expect(headersOf(during).get("webhook-signature")).toBe(signaturesOf(during, secret, old));
    expect(headersOf(after).get("webhook-signature")).toBe(signaturesOf(after, secret));
  });

  test("T98 a delivery that comes again has the same id and body, and a timestamp of its own", async () => {
    const powers = services();
    const { id } = await newClient(powers);
    const message = told(id, event({ data: { grant_id: "g" } }));
    await deliver(powers, [message]);
    vi.setSystemTime(NOW + HOUR);
    await deliver(powers, [message]);
    const [one, two] = posts as [Post, Post];
    expect(two.body).toBe(one.body);
    expect(headersOf(two).get("webhook-id")).toBe(headersOf(one).get("webhook-id"));
    expect(headersOf(two).get("webhook-timestamp")).toBe(String((NOW + HOUR) / 1_000));
  });

  test("nobody is told who cannot be: no webhook, no secret, disabled, unknown", async () => {
    const powers = services();
    const quiet = await newClient(powers);
    await powers.clients.update(quiet.id, { webhookUrl: null }, NOW);
    const open = await newClient(powers, { kind: "public" });
    const disabled = await newClient(powers);
    await disableClient(powers, disabled.id, { actor: "admin" });
    const ids = [quiet.id, open.id, disabled.id, "nobody" as ClientId];
    const fates = await deliver(
      powers,
      ids.map((id) => told(id)),
    );
    expect(fates).toEqual(ids.map(() => "acknowledged"));
    expect(posts).toEqual([]);
  });
});

describe("when it does not arrive", () => {
  test.each([
    [1, 10],
    [2, 60],
    [3, 300],
    [4, 1_800],
    [5, 7_200],
  ])("after attempt %i it comes again in %i s, and its neighbours do not", async (attempts, seconds) => {
    const powers = services();
    const { id, secret } = await newClient(powers);
    const fine = await newClient(powers, { webhookUrl: "https://other.example.com/" });
    answer = (url) => new Response(null, { status: url === HOOK ? 503 : 200 });
    const fates = await deliver(powers, [told(fine.id), told(id), told(fine.id)], attempts);
    expect(fates).toEqual(["acknowledged", seconds, "acknowledged"]);
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).toContain("status 503");
    expect(JSON.stringify(logged)).not.toContain(secret);
  });

  test("a connection that fails comes again", async () => {
    const powers = services();
    const { id } = await newClient(powers);
    answer = () => Promise.reject(new TypeError("connection refused"));
    expect(await deliver(powers, [told(id)])).toEqual([10]);
  });

  test.each([301, 307, 400, 404, 410])("an answer of %i is final", async (status) => {
    const powers = services();
    const { id } = await newClient(powers);
    answer = () => new Response(null, { status, headers: { location: "https://elsewhere.example.com/" } });
    expect(await deliver(powers, [told(id)])).toEqual(["acknowledged"]);
    expect(posts.map(({ url }) => url)).toEqual([HOOK]);
  });

  test("a secret that cannot be read comes again: nothing goes out unsigned", async () => {
    const powers = services();
    const { id } = await newClient(powers);
    const broken: Services = {
      ...powers,
      secrets: { ...powers.secrets, unseal: () => Promise.reject(new Error("no such key")) },
    };
    const [fate] = await deliver(broken, [told(id)]);
    expect(fate).toBeTypeOf("number");
    expect(posts).toEqual([]);
  });
});

describe("T97 where it may go", () => {
  test("T97 an address that was kept under looser rules is not called", async () => {
    const strict = services({ ALLOW_PRIVATE_CALLBACKS: "false" });
    for (const webhookUrl of [
      "https://169.254.169.254/",
      "http://hooks.example.com/",
      "https://db.internal/",
    ]) {
      const { id } = await newClient(strict, { webhookUrl });
      expect(await deliver(strict, [told(id)])).toEqual(["acknowledged"]);
    }
    expect(posts).toEqual([]);
    expect(logged).toHaveLength(3);
  });

  test("T97 development may call its own machine", async () => {
    const powers = services();
    const { id } = await newClient(powers, { webhookUrl: "http://127.0.0.1:9/hook" });
    await deliver(powers, [told(id)]);
    expect(posts.map(({ url }) => url)).toEqual(["http://127.0.0.1:9/hook"]);
  });

  test.each(REFUSED_CALLBACKS)("T97 refused by this runtime's URL parser too: %j", (text) => {
    expect(readCallbackTarget(text, false).ok).toBe(false);
  });

  test.each(ALLOWED_CALLBACKS)("allowed by this runtime's URL parser too: %j", (text) => {
    expect(readCallbackTarget(text, false).ok).toBe(true);
  });
});
