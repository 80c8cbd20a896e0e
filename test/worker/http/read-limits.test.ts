import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeApp } from "../../../src/app.ts";
import type { ClientId } from "../../../src/core/ids.ts";
import { newTenant } from "../support/authsignal.ts";
import { deployment, newClient, newPerson, start } from "../support/cotter.ts";
import { counting } from "../support/counting.ts";
import { from, LIMITERS, limited } from "../support/limiters.ts";
import { newAda, newBackend } from "../support/loginid.ts";
import { pageDeployment } from "../support/page.ts";

/** Routes that are not refused for what their address has asked: what tells a stranger there without a table. */
const NO_TABLE: Readonly<Record<string, string>> = {
  "GET /": "says the same to everybody",
  "GET /v1/ui": "says the same to everybody",
  "GET /.well-known/openid-configuration": "says the same to everybody",
  "GET /.well-known/oauth-authorization-server": "says the same to everybody",
  "GET /oauth/userinfo": "an access token, told by its signature",
  "POST /oauth/userinfo": "an access token, told by its signature",
  "POST /oauth/register": "nothing is looked up, and nothing is written",
  "GET /api/v0/event/get/:event_id": "an event number, told by its object",
  "POST /api/v0/token": "a refresh token, told by its object",
  "POST /api/v0/token/:api_key_id": "a refresh token, told by its object",
  "DELETE /api/v0/token/:api_key_id": "a refresh token, told by its object",
  "POST /api/v0/verify/get_identity": "an authorization code, told by its MAC",
  "GET /v1/client/user-authenticators": "an action's token, told by its signature",
  "POST /v1/client/verify/qr-code": "a device code, told by its MAC",
  "GET /app/check/:id": "a browser's secret, told by its object",
  "POST /app/check/:id": "a browser's secret, told by its object",
  "GET /app/check/:id/done": "a browser's secret, told by its object",
  "POST /app/check/:id/again": "a browser's secret, told by its object",
  "GET /app/link/:id": "a link, told by its object",
  "POST /app/link/:id": "a link, told by its object",
  "GET /v1/link/:id": "a link, told by its object",
  "POST /v1/link/:id": "a link, told by its object",
  ...Object.fromEntries(
    ["", "/phone", "/:file{[a-z][a-z-]*\\.[a-z]+}"].map((path) => [
      `GET /demo${path}`,
      "a static file, in development only",
    ]),
  ),
  "GET /docs/api": "a static file, in development only",
  "GET /docs/api.css": "a static file, in development only",
  ...Object.fromEntries(
    ["signup", "login"].flatMap((page) =>
      ["check", "again", "sent", "finish"].map((path) => [
        `POST /${page}/${path}`,
        "a frame's secret, told by its object",
      ]),
    ),
  ),
  ...Object.fromEntries(
    [
      ["GET prompts", "GET prompts/:id", "GET socket", "POST prompts/:id/decision", "POST scans"],
      ["GET devices", "PATCH devices/:id", "POST devices/:id/removal", "POST tickets", "GET activity"],
      ["GET recovery-codes", "POST recovery-codes"],
      ["PUT push-subscription", "GET push-subscription", "DELETE push-subscription"],
    ]
      .flat()
      .map((route) => [
        route.replace(" ", " /approver/"),
        "a device's session, told by its MAC and its proof",
      ]),
  ),
  ...Object.fromEntries(
    [
      ["challenge/push", "challenge/email-otp", "challenge/sms", "challenge/whatsapp"],
      ["challenge/email-magic-link", "verify/email-magic-link/finalize", "verify/push"],
      ["verify/email-otp", "verify/sms", "verify/whatsapp"],
      ["push", "qr-code", "in-app", "device"].map((name) => `user-authenticators/${name}`),
      ["email-otp", "email-magic-link", "sms"].map((name) => `user-authenticators/${name}`),
    ]
      .flat()
      .map((path) => [`POST /v1/client/${path}`, "an action's token, told by its signature"]),
  ),
};

const IP = "192.0.2.77";
const counter = counting(env);
const shut = pageDeployment({
  ...counter.bindings,
  ...limited(Object.fromEntries(LIMITERS.map((name) => [name, 0]))),
});
const open = deployment();
const names = { client: "", user: "", tenant: "", web: "", username: "", event: "", challenge: "" };

beforeAll(async () => {
  const client = await newClient(open);
  const person = await newPerson(open, client);
  const tenant = await newTenant(open);
  const web = await newBackend(open, { kind: "public" });
  const ada = await newAda(open);
  const begun = await start(open, client, person);
  Object.assign(names, { client, user: person.id, tenant: tenant.id, web: web.id, username: ada.username });
  names.event = String(begun.body.ID);
  names.challenge = String(begun.body.wait_uri).split("/").at(-2) ?? "";
  // What an isolate knows anyway: its keys, and the clients that it serves.
  for (const lane of ["cotter", "standard", "statement"] as const) await shut.services.keyring.ready(lane);
  for (const id of [client, tenant.id, web.id]) shut.services.limits.vouch(`client:${id}`, true);
});

// An isolate knows a client for 30 s, and this file may take longer.
beforeEach(async () => {
  for (const id of [names.client, names.tenant, names.web]) {
    if (id) await shut.services.clients.find(id as ClientId);
  }
});

const { routes } = makeApp();
const mounted = [...new Set(routes.map(({ method, path }) => `${method} ${path}`))]
  .map((at) => at.split(" ") as [method: string, path: string])
  .filter(([method, path]) => method !== "OPTIONS" && path !== "/*");

/** The path of a route with something in the place of each parameter. */
const pathOf = (route: string, fill: string): string =>
  route
    .replaceAll(/:above\{[^}]*\}/g, "x")
    .replaceAll(/:challenges\{[^}]*\}/g, "challenges")
    .replaceAll(/:(?:api_key|tenant|client)\w*/g, names.client)
    .replaceAll(/:user\w*/g, names.user)
    .replaceAll(/:(?:type)\b/g, "short")
    .replaceAll(/:\w+/g, fill)
    .replace(/^\/ws-v1-challenge\/\*$/, "/ws-v1-challenge")
    .replaceAll("*", route.includes("/api-ws") ? "ws-v1-challenge" : "x");

const FORGED = `${"0".repeat(64)}.${"A".repeat(43)}`;
const KEY = btoa("k".repeat(32));

/** A body that most of the wire's shapes take, with nothing in it that is secret and right. */
const bodyOf = (path: string) => ({
  ...{ identifier: "ana@example.com", client_user_id: names.user, issuer: names.client, event: "LOGIN" },
  ...{ timestamp: "1795708006", method: "TRUSTED_DEVICE", approved: true, enrolled: true },
  ...{ public_key: KEY, publicKey: KEY, algorithm: "ED25519", signature: KEY, deviceCode: FORGED },
  ...{ grant_type: "refresh_token", refresh_token: FORGED, authorization_code: FORGED, code_verifier: "x" },
  ...{ redirect_url: "myapp://cb", purpose: "temporary_authentication" },
  ...{ authentication_code: { code: "123456", type: "short" }, no_wait: true, email: "ana@example.com" },
  ...{ verificationCode: "123456", phoneNumber: "+6421234567", action: "signIn", token: "x.y.z" },
  ...{ secret: "A".repeat(43), id: "0".repeat(64), message: "m", channel: "email" },
  ...{
    verificationMethod: "EMAIL_OTP",
    state: "ALLOW",
    userId: "ada",
    credential: { uuid: names.user, name: "x" },
  },
  ...{ challengeId: "0".repeat(64), challenge_id: 1, code: path.includes("/user/") ? KEY : "123456" },
  ...(path.startsWith("/signup") || path.startsWith("/login") ? { method: "otp" } : {}),
  username: names.username,
  attestation_payload: {
    ...{ challenge: "c", credential_uuid: names.user, credential_id: "i" },
    ...{ client_data: "d", attestation_data: "a" },
  },
  assertion_payload: {
    ...{ challenge: "c", credential_id: "i", client_data: "d" },
    ...{ authenticator_data: "a", signature: "s" },
  },
});

type Headers = Readonly<Record<string, string>>;
const basic = (name: string): Headers => ({ Authorization: `Basic ${btoa(`${name}:`)}` });
const strangers = (): readonly Headers[] => [
  {},
  { API_KEY_ID: `nobody-${crypto.randomUUID().slice(0, 8)}` },
  { API_KEY_ID: names.client },
  basic(names.tenant),
  basic(`nobody-${crypto.randomUUID().slice(0, 8)}`),
  { API_KEY_ID: names.client, Authorization: "Bearer eyJhbGciOiJFUzI1NiJ9.eyJjbGllbnRfaWQiOiJ4In0.AAAA" },
  { API_KEY_ID: names.client, Cookie: `countersign_page=${"A".repeat(43)}` },
  {
    ...{ Upgrade: "websocket", API_KEY_ID: names.client },
    "Sec-WebSocket-Protocol": `authsignal-ws, x.authsignal.tenant.${names.tenant}`,
  },
];

async function askAs(method: string, path: string, headers: Headers) {
  const client_id = headers.API_KEY_ID?.startsWith("nobody") ? headers.API_KEY_ID : names.web;
  const sends = !["GET", "HEAD", "DELETE", "ALL"].includes(method);
  const query = `?publicKey=${encodeURIComponent(btoa(KEY))}&user_id=${names.user}`;
  const page = `?api_key=${names.client}&redirect_url=myapp%3A%2F%2Fcb&type=EMAIL&code_challenge=${"A".repeat(43)}`;
  // The standard door takes forms, of texts alone.
  const isForm = path.startsWith("/oauth");
  const fields = { ...bodyOf(path), client_id };
  const texts = Object.entries(fields).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as [string, string]] : [],
  );
  const body = isForm ? new URLSearchParams(texts).toString() : JSON.stringify(fields);
  const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const at = path.startsWith("/app") || path === "/signup" || path === "/login" ? page : query;
  counter.take();
  const answer = await shut.ask(path + at, {
    method: method === "ALL" ? "GET" : method,
    headers: { ...from(IP), ...(sends ? { "Content-Type": type } : {}), ...headers },
    ...(sends ? { body } : {}),
  });
  return { status: answer.status, d1: counter.take().d1Calls };
}

describe("S11 with every limit of an address used up", () => {
  test.each(mounted)("a stranger's %s %s reads no table", async (method, route) => {
    const statuses = new Set<number>();
    for (const fill of [names.event, names.challenge, "0".repeat(64), FORGED]) {
      const path = pathOf(route, fill);
      for (const headers of strangers()) {
        const { status, d1 } = await askAs(method, path, headers);
        expect([path, headers, d1]).toEqual([path, headers, 0]);
        expect(status).toBeLessThan(500);
        statuses.add(status);
      }
    }
    if (method === "ALL" || `${method} ${route}` in NO_TABLE) return;
    expect(statuses).toContain(429);
  });
});
