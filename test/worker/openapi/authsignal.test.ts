import { expect, test } from "vitest";
import { authsignalDescription } from "../../../src/doors/authsignal/openapi/description.ts";
import { type Site, site } from "../support/approver.ts";
import {
  basic,
  bearer,
  inQuery,
  type Key,
  newKey,
  newTenant,
  type Phone,
  phoneCall,
  type Tenant,
  track,
} from "../support/authsignal.ts";
import { fresh } from "../support/cotter.ts";
import { player } from "./play.ts";

const at = site();
const { play, unsent } = player(at, authsignalDescription);

const tokenFor = async (tenant: Tenant, user: string, body = {}, action = "signIn"): Promise<string> =>
  String((await track(at, tenant, user, action, body)).body.token);

const codeOf = ({ last }: Site): string => last().code ?? "";
const keyAndSignature = async (key: Key, text: string) => ({
  publicKey: key.text,
  signature: await key.sign(text),
});

test("the calls of a backend are answered as their descriptions say", async () => {
  const tenant = await newTenant(at);
  const headers = basic(tenant.secret);
  const path = { user: fresh("u") };
  const tracked = await play("POST /v1/users/:user/actions/:action", { headers, path });
  const action = { ...path, action: "signIn", key: tracked.body.idempotencyKey };
  await play("GET /v1/users/:user/actions/:action/:key", { headers, path: action });
  await play("PATCH /v1/users/:user/actions/:action/:key", { headers, path: action });
  await play("GET /v1/users/:user/actions", { headers, path });
  await play("POST /v1/validate", { headers, body: { token: tracked.body.token } });
  await play("PATCH /v1/users/:user", { headers, path });
  await play("POST /v1/users/:user", { headers, path });
  await play("GET /v1/users/:user", { headers, path });
  await play("GET /v1/users", { headers });
  const way = await play("POST /v1/users/:user/authenticators", { headers, path });
  await play("GET /v1/users/:user/authenticators", { headers, path });
  await play("DELETE /v1/users/:user/authenticators/:id", {
    headers,
    path: { ...path, id: way.body.authenticator.userAuthenticatorId },
  });
  await play("DELETE /v1/users/:user", { headers, path });

  const sent = await play("POST /v1/challenge", { headers, body: { email: `${fresh("jane")}@example.com` } });
  const { challengeId } = sent.body;
  await play("GET /v1/challenges", { headers, query: { challengeId } });
  await play("POST /v1/verify", { headers, body: { challengeId, verificationCode: codeOf(at) } });
  await play("POST /v1/claim", { headers, body: { challengeId, userId: fresh("u") } });
  await play("GET /v1/client/public/:tenant/.well-known/jwks", { path: { tenant: tenant.id } });
});

const ADD = { scope: "add:authenticators" };

test("the calls of a page with codes are answered as their descriptions say", async () => {
  const tenant = await newTenant(at);
  const ways = [
    { enrol: "email-otp", verify: "email-otp", body: () => ({ email: `${fresh("jane")}@example.com` }) },
    {
      enrol: "sms",
      verify: "sms",
      body: () => ({ phoneNumber: `+64272${100_000 + Math.floor(Math.random() * 800_000)}` }),
    },
  ];
  for (const { enrol, verify, body } of ways) {
    const user = fresh("u");
    const enrolling = bearer(await tokenFor(tenant, user, ADD));
    await play(`POST /v1/client/user-authenticators/${enrol}`, { headers: enrolling, body: body() });
    await play(`POST /v1/client/verify/${verify}`, {
      headers: enrolling,
      body: { verificationCode: codeOf(at) },
    });
    const starts = enrol === "sms" ? ["sms", "whatsapp"] : ["email-otp"];
    for (const start of starts) {
      const headers = bearer(await tokenFor(tenant, user));
      await play(`POST /v1/client/challenge/${start}`, { headers });
      await play(`POST /v1/client/verify/${start}`, { headers, body: { verificationCode: codeOf(at) } });
    }
    if (enrol === "sms") continue;
    const headers = bearer(await tokenFor(tenant, user));
    await play("POST /v1/client/challenge/email-magic-link", { headers });
    const link = new URL(at.last().link ?? "");
    const secret = link.searchParams.get("t") ?? "";
    const pressed = await at.ask(link.pathname, {
      method: "POST",
      body: new URLSearchParams({ secret, decision: "approve" }),
    });
    expect(pressed.status).toBe(200);
    await play("POST /v1/client/verify/email-magic-link/finalize", { headers });
    await play("GET /v1/client/user-authenticators", { headers });
    const other = bearer(await tokenFor(tenant, fresh("u"), ADD));
    await play("POST /v1/client/user-authenticators/email-magic-link", {
      headers: other,
      body: { email: `${fresh("jane")}@example.com` },
    });
  }
});

test.each(["push", "qr-code", "in-app", "device"] as const)(
  "the calls of a phone in the namespace %s are answered as their descriptions say",
  async (namespace) => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const key = await newKey();
    const base = `/v1/client/user-authenticators/${namespace}`;
    const headers = basic(tenant.id);
    const query = { publicKey: inQuery(key) };
    const added = await play(`POST ${base}`, {
      headers: bearer(await tokenFor(tenant, user, ADD)),
      body: { publicKey: key.text },
    });
    const phone: Phone = { key, namespace, tenant };
    expect(added.body.userId).toBe(user);
    await play(`GET ${base}`, { headers, query });
    const { message } = (await play(`POST ${base}/sign`, { headers, query })).body;
    await play(`PATCH ${base}`, {
      headers,
      body: { challengeId: message, ...(await keyAndSignature(key, message)) },
    });
    await challenges[namespace]({ tenant, user, phone });
    const window = `${Math.floor(Date.now() / 600_000)}.0`;
    await play(`POST ${base}/remove`, { headers, body: await keyAndSignature(key, window) });
  },
);

type Scene = { readonly tenant: Tenant; readonly user: string; readonly phone: Phone };

const pushed = async ({ tenant, user, phone }: Scene): Promise<void> => {
  const base = `/v1/client/user-authenticators/${phone.namespace}/challenge`;
  const headers = basic(tenant.id);
  const query = { publicKey: inQuery(phone.key) };
  await play(`GET ${base}`, { headers, query });
  await play(`POST ${base}/sign`, { headers, query });
  const token = await tokenFor(tenant, user);
  const started = await play("POST /v1/client/challenge/push", { headers: bearer(token) });
  const id: string = started.body.challengeId;
  const body = { challengeId: id, ...(await keyAndSignature(phone.key, id)) };
  await play(`POST ${base}`, { headers, body });
  await play("POST /v1/client/verify/push", { headers: bearer(token), body: { challengeId: id } });
};

const scanned = async ({ tenant, phone }: Scene): Promise<void> => {
  const base = `/v1/client/user-authenticators/${phone.namespace}/challenge`;
  const headers = basic(tenant.id);
  const { challengeId, deviceCode } = (await play("POST /v1/client/challenge/qr-code", { headers })).body;
  const signed = async () => ({ challengeId, ...(await keyAndSignature(phone.key, challengeId)) });
  await play(`POST ${base}/claim`, { headers, body: await signed() });
  await play(`POST ${base}`, { headers, body: await signed() });
  await play("POST /v1/client/verify/qr-code", { headers, body: { challengeId, deviceCode } });
};

const alone = async ({ tenant, phone }: Scene): Promise<void> => {
  const headers = basic(tenant.id);
  const { challengeId } = (await play("POST /v1/client/challenge", { headers })).body;
  await play(`POST /v1/client/verify/${phone.namespace}`, {
    headers,
    body: { challengeId, ...(await keyAndSignature(phone.key, challengeId)) },
  });
};

const challenges = {
  push: pushed,
  "qr-code": scanned,
  "in-app": alone,
  device: async (scene: Scene) => {
    await alone(scene);
    const { tenant, phone } = scene;
    const headers = basic(tenant.id);
    const query = { publicKey: inQuery(phone.key) };
    const base = "/v1/client/user-authenticators/device/challenge";
    await play(`GET ${base}`, { headers, query });
    await play(`POST ${base}/sign`, { headers, query });
    expect((await phoneCall(at, phone, "GET", `/challenge?publicKey=${query.publicKey}`)).status).toBe(200);
    await scanned(scene);
  },
} as const;

test("every documented call of the door was sent", () => {
  expect(unsent()).toEqual([]);
});
