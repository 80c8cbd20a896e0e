import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ask } from "../../support/app.ts";
import {
  basic,
  bearer,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  startPush,
  type Tenant,
  track,
} from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import { frames, listen } from "../../support/sockets.ts";

const counted = counting(env as unknown as Parameters<typeof counting>[0]);
const at = deployment({ ...counted.bindings });

const startQr = async (headers: Record<string, string>, body: object = { action: "kiosk" }) =>
  (await at.call("POST", "/v1/client/challenge/qr-code", body, headers)).body;

const pollQr = (tenant: Tenant, challengeId: unknown, deviceCode: unknown) =>
  at.call("POST", "/v1/client/verify/qr-code", { challengeId, deviceCode }, basic(tenant.id));

const claim = async (phone: Phone, challengeId: unknown) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(String(challengeId)),
  });

const PENDING = { isClaimed: false, isConsumed: false, isVerified: false };

test("T49 a device code that is not this challenge's, or no device code, is refused and wakes nothing", async () => {
  const tenant = await newTenant(at);
  const [one, two] = [await startQr(basic(tenant.id)), await startQr(basic(tenant.id))];
  const code = String(one.deviceCode);
  const wrong = {
    "of another challenge": two.deviceCode,
    "the challenge's id": one.challengeId,
    "the handle of its wait": one.wait_handle,
    "a changed one": `${code.slice(0, -1)}${code.endsWith("A") ? "B" : "A"}`,
    "of nothing": `${"0".repeat(64)}.${code.split(".")[1]}`,
  };
  counted.take();
  const unknown = await pollQr(tenant, "0".repeat(64), code);
  for (const [name, deviceCode] of Object.entries(wrong)) {
    const refused = await pollQr(tenant, one.challengeId, deviceCode);
    expect([refused.status, refused.body], name).toEqual([400, unknown.body]);
  }
  expect(counted.take().objects).toEqual({});
  expect((await pollQr(tenant, one.challengeId, code)).body).toEqual(PENDING);
});

test("T106 another client does not see a QR challenge, whatever it has of it", async () => {
  const [tenant, other] = [await newTenant(at), await newTenant(at)];
  const started = await startQr(basic(tenant.id));
  const unknown = await pollQr(other, "0".repeat(64), started.deviceCode);
  const foreign = await pollQr(other, started.challengeId, started.deviceCode);
  expect([foreign.status, foreign.body]).toEqual([unknown.status, unknown.body]);
  expect(foreign.status).toBe(400);
  expect((await pollQr(tenant, started.challengeId, started.deviceCode)).body).toEqual(PENDING);
});

test("T106 a push challenge is polled with a token of its own action, key, user and client", async () => {
  const [tenant, other] = [await newTenant(at), await newTenant(at)];
  const [user, stranger] = [fresh("u"), fresh("u")];
  for (const who of [user, stranger]) await enrol(at, tenant, who);
  const { id, token, key } = await startPush(at, tenant, user);
  const tokens = {
    "another client's": (await track(at, other, user, "signIn", { idempotencyKey: key })).body.token,
    "another user's": (await track(at, tenant, stranger, "signIn", { idempotencyKey: key })).body.token,
    "another action's": (await track(at, tenant, user, "pay", { idempotencyKey: key })).body.token,
    "another key's": (await track(at, tenant, user, "signIn")).body.token,
  };
  const poll = (challengeId: unknown, by: unknown) =>
    at.call("POST", "/v1/client/verify/push", { challengeId }, bearer(by));
  const unknown = await poll("0".repeat(64), token);
  for (const [name, by] of Object.entries(tokens)) {
    const refused = await poll(id, by);
    expect([refused.status, refused.body], name).toEqual([400, unknown.body]);
  }
  const again = (await track(at, tenant, user, "signIn", { idempotencyKey: key })).body.token;
  for (const by of [token, again]) expect((await poll(id, by)).body.isConsumed).toBe(false);
  // A QR challenge of the same action has another waiter.
  const shown = await startQr(bearer(token), {});
  expect((await poll(shown.challengeId, token)).body).toEqual(unknown.body);
});

test("T20 a QR challenge with a token is its own user's to claim", async () => {
  const tenant = await newTenant(at);
  const user = fresh("u");
  const phone = await enrol(at, tenant, user, "qr-code");
  const stranger = await enrol(at, tenant, fresh("u"), "qr-code");
  const { token } = (await track(at, tenant, user, "signIn")).body;
  const { challengeId, deviceCode } = await startQr(bearer(token), {});
  expect((await claim(stranger, challengeId)).status).toBe(400);
  expect((await pollQr(tenant, challengeId, deviceCode)).body).toEqual(PENDING);
  expect((await claim(phone, challengeId)).status).toBe(200);
  const second = await enrol(at, tenant, user, "qr-code");
  expect((await claim(second, challengeId)).status).toBe(400);
});

const upgrade = (tenant: Tenant, headers: Record<string, string> = {}) =>
  ask("/ws-v1-challenge", {
    headers: {
      Upgrade: "websocket",
      "Sec-WebSocket-Protocol": `authsignal-ws, x.authsignal.tenant.${tenant.id}`,
      ...headers,
    },
  });

test("T96 of one page's codes the newest is good, beside one that somebody has claimed", async () => {
  const tenant = await newTenant(at);
  const phone = await enrol(at, tenant, fresh("u"), "qr-code");
  const page = listen(await upgrade(tenant));
  const next = async () => {
    const before = page.heard.length;
    page.socket.send(
      JSON.stringify({ type: "CREATE_CHALLENGE", data: { challengeType: "QR_CODE", actionCode: "kiosk" } }),
    );
    await frames(page, before + 1);
    return String(JSON.parse(page.heard[before] ?? "").data.challengeId);
  };
  const [first, second] = [await next(), await next()];
  expect((await claim(phone, first)).status).toBe(400);
  expect((await claim(phone, second)).status).toBe(200);
  await frames(page, 3);
  const third = await next();
  // The claimed one is the claimer's to answer still.
  expect((await claim(phone, second)).status).toBe(200);
  expect((await claim(phone, third)).status).toBe(200);
  page.socket.close(1000);
});

test("T49 a socket of a foreign page is refused before it opens", async () => {
  const tenant = await newTenant(at);
  expect((await upgrade(tenant, { Origin: "https://evil.example" })).status).toBe(401);
  expect((await upgrade(tenant, { Origin: "null" })).status).toBe(401);
  for (const headers of [{}, { Origin: "https://shop.example" }]) {
    listen(await upgrade(tenant, headers)).socket.close(1000);
  }
});
