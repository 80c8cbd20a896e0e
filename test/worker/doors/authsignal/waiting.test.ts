import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import { ask } from "../../support/app.ts";
import {
  answer,
  bearer,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  server,
  startPush,
  type Tenant,
  track,
  validate,
} from "../../support/authsignal.ts";
import { inside, stubOf } from "../../support/challenges.ts";
import { type Deployment, deployment, fresh, type Json } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";
import { type Ear, frames, listen } from "../../support/sockets.ts";
import { until } from "../../support/until.ts";

const at = deployment();

async function scene(here: Deployment = at, namespace = "push") {
  const tenant = await newTenant(here, { starts_per_minute: 0 });
  const user = fresh("u");
  const phone = await enrol(here, tenant, user, namespace);
  return { here, tenant, user, phone };
}

/** A poll that would rather be held for a minute, which is longer than a test may last. */
const heldPoll = (here: Deployment, token: string, challengeId: string) =>
  here.call("POST", "/v1/client/verify/push", { challengeId }, { ...bearer(token), Prefer: "wait=60" });

/** Until this many wait on the challenge's object. */
const waiters = (id: string, count = 1) =>
  until(
    async () =>
      expect(await inside(id as ChallengeId, (_, state) => state.getWebSockets().length)).toBe(count),
    5,
  );

const TOLD = { isVerified: true, isConsumed: true, accessToken: expect.any(String) };

describe("a held poll", () => {
  test("is answered by the approval, and by the decline", async () => {
    const { here, tenant, user, phone } = await scene();
    for (const approved of [true, false]) {
      const { id, token } = await startPush(here, tenant, user);
      const held = heldPoll(here, token, id);
      await waiters(id);
      expect((await answer(here, phone, id, approved)).status).toBe(200);
      expect((await held).body).toEqual(approved ? TOLD : { isVerified: false, isConsumed: true });
    }
  });

  test("T48 the object is evicted in mid-wait, and the answer still comes", async () => {
    const { here, tenant, user, phone } = await scene();
    const { id, token } = await startPush(here, tenant, user);
    const held = heldPoll(here, token, id);
    await waiters(id);
    await evictDurableObject(stubOf(id as ChallengeId));
    await answer(here, phone, id, true);
    expect((await held).body).toEqual(TOLD);
  });

  test("T51 sixteen are held for one challenge; one more takes the place of the oldest, which hears: not yet", async () => {
    const { here, tenant, user, phone } = await scene();
    const { id, token } = await startPush(here, tenant, user);
    const held = [];
    for (let count = 1; count <= 16; count++) {
      held.push(heldPoll(here, token, id));
      await waiters(id, count);
    }
    held.push(heldPoll(here, token, id));
    expect((await held[0])?.body).toEqual({ isVerified: false, isConsumed: false });
    await answer(here, phone, id, true);
    for (const { body } of await Promise.all(held.slice(1))) expect(body).toEqual(TOLD);
  });

  test("T51 a public key that is read too often, or from one address, is answered 429, in its own counter", async () => {
    const reads: unknown[] = [];
    const here = deployment({}, ({ limits }) => ({
      limits: {
        ...limits,
        read: async (ip, text) => {
          reads.push([ip, text]);
          return false;
        },
      },
    }));
    const { tenant, phone } = await scene(here);
    const query = `?publicKey=${encodeURIComponent(btoa(phone.key.text))}`;
    const headers = { Authorization: `Basic ${btoa(tenant.id)}`, "CF-Connecting-IP": "192.0.2.7" };
    const path = "/v1/client/user-authenticators/push";
    for (const [method, rest] of [
      ["GET", ""],
      ["GET", "/challenge"],
      ["POST", "/challenge/sign"],
      ["POST", "/sign"],
    ] as const) {
      const refused = await here.call(method, `${path}${rest}${query}`, undefined, headers);
      expect([refused.status, refused.body.errorCode], rest).toEqual([429, "too_many_requests"]);
    }
    expect(reads).toEqual(Array.from({ length: 4 }, () => ["192.0.2.7", phone.key.text]));
  });

  test("T51 an address that waits too often is not held, and gets no socket", async () => {
    const here = deployment({}, ({ limits }) => ({ limits: { ...limits, wait: async () => false } }));
    const { tenant, user } = await scene(here);
    const { id, token } = await startPush(here, tenant, user);
    expect((await heldPoll(here, token, id)).body).toEqual({ isVerified: false, isConsumed: false });
    const refused = await here.call("GET", "/ws-v1-challenge", undefined, upgradeHeaders(tenant));
    expect([refused.status, refused.body.errorCode]).toEqual([429, "too_many_requests"]);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
  });
});

const upgradeHeaders = (tenant: Tenant, token?: string) => ({
  Upgrade: "websocket",
  "Sec-WebSocket-Protocol": `authsignal-ws, x.authsignal.${token ? `token.${token}` : `tenant.${tenant.id}`}`,
});

const openPage = async (tenant: Tenant, path = "/ws-v1-challenge"): Promise<Ear> =>
  listen(await ask(path, { headers: upgradeHeaders(tenant) }));

async function newCode(page: Ear): Promise<string> {
  const before = page.heard.length;
  page.socket.send(
    JSON.stringify({ type: "CREATE_CHALLENGE", data: { challengeType: "QR_CODE", actionCode: "kiosk" } }),
  );
  await frames(page, before + 1);
  return String(JSON.parse(page.heard[before] ?? "").data.challengeId);
}

const claim = async (phone: Phone, challengeId: string) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(challengeId),
  });

describe("the QR socket", () => {
  test("T50 says how its own challenge stands, and who it was to nobody; another page hears nothing", async () => {
    const { tenant, user, phone } = await scene(at, "qr-code");
    const page = await openPage(tenant);
    const other = await openPage(tenant);
    const id = await newCode(page);
    const foreign = await newCode(other);
    expect((await claim(phone, id)).status).toBe(200);
    await frames(page, 2);
    const early = page.heard.join("");
    for (const secret of ["eyJ", user, phone.id, phone.key.text]) expect(early).not.toContain(secret);
    expect((await answer(at, phone, id, true)).status).toBe(200);
    await frames(page, 3);
    expect(page.heard.map((text) => JSON.parse(text))).toEqual([
      {
        type: "CHALLENGE_CREATED",
        data: {
          challengeId: id,
          challengeType: "QR_CODE",
          expiresAt: expect.any(String),
          state: "unclaimed",
        },
      },
      { type: "STATE_CHANGE", data: { challengeId: id, state: "claimed" } },
      {
        type: "STATE_CHANGE",
        data: { challengeId: id, state: "approved", accessToken: expect.any(String) },
      },
    ]);
    for (const secret of [phone.id, phone.key.text]) expect(page.heard.join("")).not.toContain(secret);
    // The other page has heard of its own code alone; its next frame is of that too.
    expect((await claim(phone, foreign)).status).toBe(200);
    await frames(other, 2);
    expect(other.heard.map((text) => JSON.parse(text).data.challengeId)).toEqual([foreign, foreign]);
    for (const { socket } of [page, other]) socket.close(1000);
  });

  test("T48 the object is evicted between claim and approval, and the page is told", async () => {
    const { tenant, phone } = await scene(at, "qr-code");
    const page = await openPage(tenant);
    const id = await newCode(page);
    await claim(phone, id);
    await frames(page, 2);
    await evictDurableObject(stubOf(id as ChallengeId));
    await answer(at, phone, id, true);
    await frames(page, 3);
    expect(JSON.parse(page.heard[2] ?? "").data).toMatchObject({ challengeId: id, state: "approved" });
    page.socket.close(1000);
  });

  test("is refused before it opens when the token's action or its user takes no challenge: the SDK hears of nothing later", async () => {
    const { tenant, user } = await scene(at, "qr-code");
    const tracked = async () => (await track(at, tenant, user, "signIn")).body;
    const opened = async ({ token }: Json) => {
      const headers = upgradeHeaders(tenant, String(token));
      const answered = await ask("/ws-v1-challenge", { headers });
      if (answered.status === 101) listen(answered).socket.close(1000);
      return answered.status;
    };
    const [open, closed] = [await tracked(), await tracked()];
    const path = `/users/${user}/actions/signIn/${closed.idempotencyKey}`;
    await server(at, tenant, "PATCH", path, { state: "CHALLENGE_SUCCEEDED" });
    expect([await opened(open), await opened(closed)]).toEqual([101, 400]);
    const record = await called(at, user);
    await at.services.users.update(record!.user, { status: "locked" }, Date.now());
    expect(await opened(open)).toBe(400);
  });

  test.each([
    "/sign/api-ws/ws-v1-challenge",
    "/sign/in/api-ws/ws-v1-challenge",
    "/sign/api-ws/ws-v1-challenge/",
  ])("is served under a further prefix: %s", async (path) => {
    const { tenant } = await scene(at, "qr-code");
    const page = await openPage(tenant, path);
    expect(await newCode(page)).toMatch(/^[0-9a-f]{64}$/);
    page.socket.close(1000);
  });

  test.each([
    "/api-ws",
    "/sign/ws-v1-challenge",
    "/sign/api-ws/ws-v1-challenge/more",
    "/sign/xapi-ws/ws-v1-challenge",
  ])("is not served at %s", async (path) => {
    const { tenant } = await scene(at, "qr-code");
    expect((await ask(path, { headers: upgradeHeaders(tenant) })).status).toBe(404);
  });
});

const encoded = (value: unknown): string =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const textOfBase64url = (text: string): string => atob(text.replaceAll("-", "+").replaceAll("_", "/"));

/** The token with another header, signed as that header would have it. */
async function forgeries(token: string): Promise<Record<string, string>> {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const header = JSON.parse(textOfBase64url(head));
  const claims = JSON.parse(textOfBase64url(payload));
  const [jwk] = await at.services.keyring.published();
  const secret = new TextEncoder().encode(JSON.stringify(jwk));
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, hmac, false, ["sign"]);
  const input = `${encoded({ ...header, alg: "HS256" })}.${payload}`;
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input)));
  const sealed = btoa(String.fromCharCode(...mac))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  const ours = (more: object) => at.services.keyring.sign("standard", { typ: "JWT", ...more }, claims);
  return {
    none: `${encoded({ ...header, alg: "none" })}.${payload}.`,
    "none, with our signature": `${encoded({ ...header, alg: "none" })}.${payload}.${signature}`,
    "HS256 with the public key as its secret": `${input}.${sealed}`,
    "the kid of another deployment": `${encoded({ ...header, kid: "00000000-0000" })}.${payload}.${signature}`,
    "an address of a key, though we signed it": await ours({ jku: "https://keys.example" }),
    "a key of its own, though we signed it": await ours({ jwk }),
    "a certificate's address, though we signed it": await ours({ x5u: "https://keys.example" }),
  };
}

test("T27 algorithm confusion: a token whose header was forged is refused wherever this door reads one", async () => {
  const { here, tenant, user, phone } = await scene();
  const { body } = await track(here, tenant, user, "signIn", { scope: "add:authenticators" });
  const token = String(body.token);
  const readers: Record<string, (text: string) => Promise<readonly unknown[]>> = Object.fromEntries(
    Object.entries({
      "/challenge/push": {},
      "/verify/push": { challengeId: "0".repeat(64) },
      "/challenge/qr-code": { action: "signIn" },
      "/challenge": {},
      "/user-authenticators/push": { publicKey: phone.key.text },
    }).map(([path, json]) => [
      path,
      async (text: string) => {
        const answered = await here.call("POST", `/v1/client${path}`, json, bearer(text));
        return [answered.status, answered.body.errorCode];
      },
    ]),
  );
  const socket = (text: string) => ask("/ws-v1-challenge", { headers: upgradeHeaders(tenant, text) });
  for (const [name, forged] of Object.entries(await forgeries(token))) {
    for (const [path, read] of Object.entries(readers)) {
      expect(await read(forged), `${name} at ${path}`).toEqual([401, "unauthorized"]);
    }
    expect((await socket(forged)).status, name).toBe(401);
    const said = { isValid: false, error: "unauthorized" };
    expect((await validate(here, tenant, { token: forged })).body, name).toEqual(said);
  }
  // The same calls with the token as it was made are not refused for it.
  for (const [path, read] of Object.entries(readers)) expect((await read(token))[0], path).not.toBe(401);
  expect((await validate(here, tenant, { token })).body.state).toBe("CHALLENGE_REQUIRED");
  const open = listen(await socket(token));
  open.socket.close(1000);
});
