import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from "jose";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newPushReader } from "../fakes/push-reader.ts";
import { type Server, startServer } from "./server.ts";
import { freshEmail } from "./support/app.ts";

const CIBA = "urn:openid:params:grant-type:ciba";
const CONTACT = "mailto:ops@sign.example";

type Arrival = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer };
const arrivals: Arrival[] = [];
/** Statuses of the next answers by path; 201 after them. */
const statuses = new Map<string, number[]>();

/** A push service for browsers, FCM, and the token endpoint that FCM goes by. */
const service = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const path = request.url ?? "";
  arrivals.push({ path, headers: request.headers, body: Buffer.concat(parts) });
  if (path === "/token") {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ access_token: "ya29.good", expires_in: 3_600, token_type: "Bearer" }));
    return;
  }
  response.writeHead(statuses.get(path)?.shift() ?? 201).end();
});

let server: Server;
let origin: string;
let pushHost: string;
let googleKey: CryptoKey;

beforeAll(async () => {
  await new Promise<void>((listening) => service.listen(0, "127.0.0.1", listening));
  pushHost = `127.0.0.1:${(service.address() as AddressInfo).port}`;
  const google = await generateKeyPair("RS256", { extractable: true });
  googleKey = google.publicKey;
  const account = {
    type: "service_account",
    project_id: "sign-example",
    private_key_id: "key-1",
    private_key: await exportPKCS8(google.privateKey),
    client_email: "push@sign-example.iam.gserviceaccount.com",
  };
  server = await startServer({
    vars: {
      ...{ PUSH_CONTACT: CONTACT, PUSH_HOSTS: pushHost },
      ...{ FCM_SERVICE_ACCOUNT: JSON.stringify(account) },
      ...{ FCM_URL: `http://${pushHost}`, FCM_TOKEN_URL: `http://${pushHost}` },
    },
  });
  origin = server.origin;
});

afterAll(async () => {
  await server?.stop();
  server?.remove();
  service.closeAllConnections();
  await new Promise((closed) => service.close(closed));
});

// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
type Answered = { readonly status: number; readonly body: any };

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const form = body instanceof URLSearchParams;
  const answer = await fetch(origin + path, {
    method,
    headers: {
      ...(body === undefined || form ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : JSON.parse(text) };
}

const admin = { Authorization: "Bearer dev-admin-token" };

/** Somebody with a phone whose key is the device's, as a native app has it. */
async function newOwner() {
  const made = await call("POST", "/admin/users", { email: freshEmail(), verified: true }, admin);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const userId = String(made.body.user_id);
  const pair = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const jwk = { kty, crv, x, y };
  const proof = (method: string, path: string, token?: string) =>
    new SignJWT({
      htm: method,
      htu: origin + path,
      jti: randomUUID(),
      ...(token === undefined ? {} : { ath: createHash("sha256").update(token).digest("base64url") }),
    })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: jwk as never })
      .setIssuedAt()
      .sign(pair.privateKey);
  const { body: left } = await call("POST", "/demo/ticket", { user_id: userId }, admin);
  const begun = await call("POST", "/approver/enrolments/begin", { ticket: left.ticket });
  expect(begun.status, JSON.stringify(begun.body)).toBe(200);
  const enrolled = await call(
    "POST",
    "/approver/enrolments",
    { enrolment: begun.body.enrolment, name: "Phone" },
    { DPoP: await proof("POST", "/approver/enrolments") },
  );
  expect(enrolled.status, JSON.stringify(enrolled.body)).toBe(201);
  const { token } = enrolled.body;
  const asDevice = async (method: string, path: string, body?: unknown) =>
    await call(method, path, body, {
      Authorization: `DPoP ${token}`,
      DPoP: await proof(method, path, token),
    });
  return { userId, asDevice, jkt: await calculateJwkThumbprint(jwk as never) };
}

async function ask(userId: string): Promise<void> {
  const made = await call(
    "POST",
    "/admin/clients",
    { name: "Shop", kind: "confidential", grant_types: [CIBA] },
    admin,
  );
  const { client_id: id, client_secret: secret } = made.body;
  const form = new URLSearchParams({ scope: "openid", login_hint: userId, binding_message: "Table 4" });
  const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
  const started = await call("POST", "/oauth/bc-authorize", form, { Authorization: basic });
  expect(started.status, JSON.stringify(started.body)).toBe(200);
}

const arrivedAt = (path: string, count = 1) =>
  vi.waitFor(
    () => {
      const found = arrivals.filter((arrival) => arrival.path === path);
      expect(found).toHaveLength(count);
      return found;
    },
    { timeout: 40_000, interval: 50 },
  );

/** What a push service checks: that the deployment with this key has sent it, to this service (RFC 8292 §4). */
async function sender(headers: IncomingHttpHeaders) {
  const [, token = "", key = ""] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization ?? "") ?? [];
  const point = Buffer.from(key, "base64url");
  expect(point).toHaveLength(65);
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const keys = createLocalJWKSet({ keys: [{ kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }] });
  const { payload } = await jwtVerify(token, keys, { audience: `http://${pushHost}` });
  return { key, payload };
}

test("a browser is woken by a message that it alone can read, and that names the request to fetch", async () => {
  const { userId, asDevice } = await newOwner();
  const config = await call("GET", "/approver/config");
  const reader = newPushReader();
  const path = `/send/${randomUUID()}`;
  const subscription = { endpoint: `http://${pushHost}${path}`, keys: reader.keys };
  expect(await asDevice("PUT", "/approver/push-subscription", subscription)).toMatchObject({ status: 204 });
  await ask(userId);
  const [arrival] = (await arrivedAt(path)) as [Arrival];
  const { key, payload } = await sender(arrival.headers);
  expect(key).toBe(config.body.push.public_key);
  expect(payload.sub).toBe(CONTACT);
  expect(payload.exp).toBeLessThanOrEqual(Date.now() / 1000 + 24 * 3_600);
  expect(arrival.headers).toMatchObject({ "content-encoding": "aes128gcm", urgency: "high" });
  expect(Number(arrival.headers.ttl)).toBeGreaterThan(0);

  const message = JSON.parse(reader.read(arrival.body));
  const { prompts } = (await asDevice("GET", "/approver/prompts")).body;
  expect(prompts).toHaveLength(1);
  expect(message).toEqual({
    web_push: 8030,
    notification: {
      title: "Sign-in request",
      body: "Open to see who asks.",
      navigate: `${origin}/phone#prompt=${prompts[0].id}`,
      tag: prompts[0].id,
      app_badge: "1",
    },
  });
  // Who asks and for what is in what is fetched, and nowhere else.
  expect(JSON.stringify(prompts)).toContain("Table 4");
  expect(reader.read(arrival.body)).not.toContain("Table 4");
});

test("a push service that is busy is asked again by the queue, and one that has ended the subscription is not", async () => {
  const { userId, asDevice } = await newOwner();
  const path = `/send/${randomUUID()}`;
  const subscription = { endpoint: `http://${pushHost}${path}`, keys: newPushReader().keys };
  await asDevice("PUT", "/approver/push-subscription", subscription);
  statuses.set(path, [503, 410]);
  await ask(userId);
  await arrivedAt(path, 2);
  await vi.waitFor(
    async () => expect((await asDevice("GET", "/approver/push-subscription")).body).toEqual({}),
    10_000,
  );
  expect(server.log()).not.toContain(path);
});

test("T97 an address of this machine that is not listed is refused", async () => {
  const { asDevice } = await newOwner();
  const { keys } = newPushReader();
  for (const endpoint of [`${origin}/healthz`, "http://169.254.169.254/latest", "https://push.example/a"]) {
    const answer = await asDevice("PUT", "/approver/push-subscription", { endpoint, keys });
    expect(answer).toMatchObject({ status: 422, body: { code: "endpoint" } });
  }
});

test("a native app is woken by FCM, by the service account's word", async () => {
  const { userId, asDevice } = await newOwner();
  const fcm = { token: `registration:${randomUUID()}` };
  expect(await asDevice("PUT", "/approver/push-subscription", { fcm })).toMatchObject({ status: 204 });
  await ask(userId);
  const [arrival] = (await arrivedAt("/v1/projects/sign-example/messages:send")) as [Arrival];
  expect(arrival.headers.authorization).toBe("Bearer ya29.good");
  const { prompts } = (await asDevice("GET", "/approver/prompts")).body;
  expect(JSON.parse(arrival.body.toString("utf8")).message).toMatchObject({
    token: fcm.token,
    data: { prompt_id: prompts[0].id },
    notification: { title: "Sign-in request", body: "Open to see who asks." },
  });
  const [asked] = (await arrivedAt("/token")) as [Arrival];
  const assertion = new URLSearchParams(asked.body.toString("utf8")).get("assertion") ?? "";
  const { payload } = await jwtVerify(assertion, googleKey, { audience: `http://${pushHost}/token` });
  expect(payload.iss).toBe("push@sign-example.iam.gserviceaccount.com");
  expect(server.log()).not.toContain("ya29.good");
});
