import { createHmac, generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";

type Arrival = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };

const arrivals: Arrival[] = [];
/** What the receiver answers, by path; 204 else. */
const answers = new Map<string, { status: number; location?: string }>();
const receiver = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const path = request.url ?? "";
  arrivals.push({ path, headers: request.headers, body: Buffer.concat(parts).toString("utf8") });
  const { status, ...headers } = answers.get(path) ?? { status: 204 };
  response.writeHead(status, headers).end();
});

let hooks: string;

beforeAll(async () => {
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  hooks = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});

afterAll(async () => {
  receiver.closeAllConnections();
  await new Promise((closed) => receiver.close(closed));
});

async function call(method: string, path: string, headers: Record<string, string>, body: object) {
  const answer = await fetch(`${inject("origin")}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const admin = (method: string, path: string, body: object = {}) =>
  call(method, path, { authorization: "Bearer dev-admin-token" }, body);

async function newClient(path: string) {
  const made = await admin("POST", "/admin/clients", {
    name: "Shop",
    kind: "confidential",
    webhook_url: hooks + path,
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { client_id: id, client_secret: secret, webhook_secret: webhookSecret } = made.body;
  return { id, secret, webhookSecret } as { id: string; secret: string; webhookSecret: string };
}

/** Signs a user in on a first device, then shows the first refresh token again when two newer ones are out. */
async function reuseRefreshToken(clientId: string): Promise<{ userId: string; last: string }> {
  const headers = { API_KEY_ID: clientId };
  const user = await call("POST", "/api/v0/user/create", headers, {
    identifier: `${randomUUID()}@example.com`,
  });
  expect(user.status, JSON.stringify(user.body)).toBe(200);
  const id = user.body.ID as string;
  const jwk = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
  const enrolled = await call("PUT", path, headers, {
    method: "TRUSTED_DEVICE",
    enrolled: true,
    code: Buffer.from(jwk.x ?? "", "base64url").toString("base64"),
    algorithm: "ED25519",
    device_name: "Phone",
    device_type: "ios",
  });
  expect(enrolled.status, JSON.stringify(enrolled.body)).toBe(200);
  const first = enrolled.body.oauth_token.refresh_token as string;
  const second = await refresh(clientId, first);
  const third = await refresh(clientId, second.body.refresh_token);
  expect([second.status, third.status]).toEqual([200, 200]);
  expect((await refresh(clientId, first)).status).toBeGreaterThanOrEqual(400);
  return { userId: id, last: third.body.refresh_token };
}

const refresh = (clientId: string, refresh_token: string) =>
  call("POST", "/api/v0/token", { API_KEY_ID: clientId }, { grant_type: "refresh_token", refresh_token });

/** Ids of the reuses that the audit trail holds for this client. */
async function trailOf(clientId: string): Promise<readonly string[]> {
  const listed = await fetch(`${inject("origin")}/admin/audit?client_id=${clientId}&type=refresh_reused`, {
    headers: { authorization: "Bearer dev-admin-token" },
  });
  return ((await listed.json()) as { events: { id: string }[] }).events.map(({ id }) => id);
}

const arrivedAt = (path: string, count = 1) =>
  vi.waitFor(
    () => {
      const arrived = arrivals.filter((arrival) => arrival.path === path);
      expect(arrived).toHaveLength(count);
      return arrived;
    },
    { timeout: 20_000, interval: 50 },
  );

/** What a receiver of old checks: whether one of the signatures is keyed by the text of the client secret. */
function isSignedByText({ headers, body }: Arrival, secret: string): boolean {
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const mac = createHmac("sha256", secret).update(signed).digest("base64");
  return String(headers["webhook-signature"]).split(" ").includes(`v1,${mac}`);
}

/** What the library of Standard Webhooks makes of it; throws when it does not take it. */
const verified = ({ headers, body }: Arrival, webhookSecret: string): unknown =>
  new Webhook(webhookSecret).verify(body, headers as Record<string, string>);

test("T84 a reused refresh token ends the grant, and the client's webhook is told so, signed", async () => {
  const client = await newClient("/told");
  const { userId, last } = await reuseRefreshToken(client.id);
  expect((await refresh(client.id, last)).status).toBeGreaterThanOrEqual(400);

  const [arrival] = (await arrivedAt("/told")) as [Arrival];
  const event = JSON.parse(arrival.body);
  expect(event).toEqual({
    id: arrival.headers["webhook-id"],
    type: "refresh_reused",
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    client_id: client.id,
    user_id: userId,
    data: { grant_id: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(arrival.headers["content-type"]).toBe("application/json");
  expect(verified(arrival, client.webhookSecret)).toEqual(event);
  expect(isSignedByText(arrival, client.secret)).toBe(true);
  // The operator's trail has the same event under the same id; its row takes a message of its own.
  await vi.waitFor(async () => expect(await trailOf(client.id)).toContain(event.id), {
    timeout: 20_000,
    interval: 50,
  });
});

test("T98 both secrets verify while one is being replaced", async () => {
  const client = await newClient("/rotating");
  const rotated = await admin("POST", `/admin/clients/${client.id}/secret`);
  expect(rotated.status, JSON.stringify(rotated.body)).toBeLessThan(300);
  await reuseRefreshToken(client.id);
  const [arrival] = (await arrivedAt("/rotating")) as [Arrival];
  for (const webhookSecret of [rotated.body.webhook_secret, client.webhookSecret]) {
    expect(verified(arrival, webhookSecret)).toEqual(JSON.parse(arrival.body));
  }
  expect(isSignedByText(arrival, rotated.body.client_secret)).toBe(true);
  expect(isSignedByText(arrival, client.secret)).toBe(true);
});

test("T97 a redirect is not followed, and the secret is not in the log", async () => {
  const log = () => readFileSync(inject("log"), "utf8");
  const since = log().length;
  answers.set("/moved", { status: 307, location: `${hooks}/elsewhere` });
  const client = await newClient("/moved");
  await reuseRefreshToken(client.id);
  await arrivedAt("/moved");
  await vi.waitFor(() => expect(log().slice(since)).toContain("status 307"), {
    timeout: 20_000,
    interval: 50,
  });
  expect(arrivals.filter(({ path }) => path === "/elsewhere")).toEqual([]);
  expect(log()).not.toContain(client.secret);
  expect(log()).not.toContain(client.webhookSecret);
});
