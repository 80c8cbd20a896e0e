import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { ANDROID, Device, IOS, makeTenant, type Tenant } from "../support/authsignal.ts";
import { place } from "../support/place.ts";
import { upgrade } from "../support/upgrade.ts";

async function enrolled(mobile = IOS, namespace: "qr-code" | "device" = "qr-code") {
  const tenant = await makeTenant(place(), {
    allowed_origins: ["https://shop.example"],
    settings: { actions: { kiosk: "challenge" } },
  });
  const userId = randomUUID();
  const { token } = await tenant.sdk.track({
    userId,
    action: "addAuthenticator",
    attributes: { scope: "add:authenticators" },
  });
  const device = new Device(tenant, mobile, namespace);
  if ((await device.add(token)).status !== 200) throw new Error("no device");
  return { tenant, userId, device };
}

const basic = (tenant: Tenant) => ({
  Authorization: `Basic ${Buffer.from(encodeURIComponent(tenant.id)).toString("base64")}`,
});

type Message = { readonly type: string; readonly data: Record<string, unknown> };

/** The page's socket as the SDK opens it, with Node's own WebSocket. */
async function open(tenant: Tenant, path: string, token?: string) {
  const second = token ? `x.authsignal.token.${token}` : `x.authsignal.tenant.${tenant.id}`;
  const socket = new WebSocket(`${tenant.origin.replace("http", "ws")}${path}`, ["authsignal-ws", second]);
  const queue: Message[] = [];
  const waiting: ((message: Message) => void)[] = [];
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    const next = waiting.shift();
    if (next) next(message);
    else queue.push(message);
  });
  await new Promise((done, fail) => {
    socket.addEventListener("open", done);
    socket.addEventListener("error", fail);
  });
  return {
    socket,
    create: (actionCode: string) =>
      socket.send(
        JSON.stringify({ type: "CREATE_CHALLENGE", data: { challengeType: "QR_CODE", actionCode } }),
      ),
    next: (): Promise<Message> => {
      const here = queue.shift();
      return here ? Promise.resolve(here) : new Promise((done) => waiting.push(done));
    },
  };
}

describe("QR by WebSocket", () => {
  test.each(["/ws-v1-challenge", "/ws-v1-challenge/", "/api-ws/ws-v1-challenge"])(
    "anonymous over %s: claimed, approved, validated as the claimer's action",
    async (path) => {
      const { tenant, userId, device } = await enrolled();
      const page = await open(tenant, path);
      expect(page.socket.protocol).toBe("authsignal-ws");
      page.create("kiosk");
      const created = await page.next();
      expect(created).toEqual({
        type: "CHALLENGE_CREATED",
        data: {
          challengeId: expect.any(String),
          challengeType: "QR_CODE",
          expiresAt: expect.stringMatching(/Z$/),
          state: "unclaimed",
        },
      });
      const id = String(created.data.challengeId);
      expect((await device.answer(id, true)).status).toBe(400);
      expect((await device.claim(id)).body).toMatchObject({ success: true, actionCode: "kiosk" });
      expect(await page.next()).toEqual({
        type: "STATE_CHANGE",
        data: { challengeId: id, state: "claimed" },
      });
      expect((await device.answer(id, true)).json).toEqual({ isVerified: true });
      const approved = await page.next();
      expect(approved.data).toEqual({ challengeId: id, state: "approved", accessToken: expect.any(String) });
      const token = String(approved.data.accessToken);
      expect(await tenant.sdk.validateChallenge({ token, action: "kiosk" })).toMatchObject({
        isValid: true,
        userId,
        verificationMethod: "DEVICE",
      });
      page.socket.close();
    },
  );

  test("with a token: the tracked user alone may claim; rejected is told", async () => {
    const { tenant, userId, device } = await enrolled(ANDROID, "device");
    const other = new Device(tenant, IOS, "qr-code");
    const stranger = await tenant.sdk.track({ userId: randomUUID(), action: "addAuthenticator" });
    await other.add(stranger.token);
    const { token } = await tenant.sdk.track({ userId, action: "signIn" });
    const page = await open(tenant, "/ws-v1-challenge", token);
    page.create("signIn");
    const id = String((await page.next()).data.challengeId);
    expect((await other.claim(id)).status).toBe(400);
    expect((await device.claim(id)).status).toBe(200);
    expect((await page.next()).data).toEqual({ challengeId: id, state: "claimed" });
    expect((await device.answer(id, false)).json).toEqual({ isVerified: false });
    expect((await page.next()).data).toEqual({ challengeId: id, state: "rejected" });
    expect(await tenant.sdk.validateChallenge({ token })).toMatchObject({
      isValid: false,
      state: "CHALLENGE_FAILED",
    });
    page.socket.close();
  });

  test("T96 a refreshed code: the old one ends while nobody has claimed it", async () => {
    const { tenant, device } = await enrolled();
    const page = await open(tenant, "/ws-v1-challenge");
    page.create("kiosk");
    const first = String((await page.next()).data.challengeId);
    page.create("kiosk");
    const second = String((await page.next()).data.challengeId);
    expect(second).not.toBe(first);
    await expect.poll(async () => (await device.claim(first)).status).toBe(400);
    expect((await device.claim(second)).status).toBe(200);
    page.socket.close();
  });

  test("T49 a socket without a good sender, or of a foreign page, is refused before it opens; the token is never echoed", async () => {
    const { tenant } = await enrolled();
    const uri = `${tenant.origin}/ws-v1-challenge`;
    const offer = (second: string, headers: Record<string, string> = {}) =>
      upgrade(uri, { "Sec-WebSocket-Protocol": `authsignal-ws, ${second}`, ...headers });
    expect((await offer("x.authsignal.token.eyJhbGciOiJub25lIn0.e30.")).status).toBe(401);
    expect((await offer("x.authsignal.tenant.nobody")).status).toBe(401);
    expect((await upgrade(uri, { "Sec-WebSocket-Protocol": "authsignal-ws" })).status).toBe(401);
    const mine = `x.authsignal.tenant.${tenant.id}`;
    expect((await offer(mine, { Origin: "https://evil.example" })).status).toBe(401);
    expect(await offer(mine, { Origin: "https://shop.example" })).toMatchObject({
      status: 101,
      protocol: "authsignal-ws",
    });
  });
});

describe("QR by REST polling", () => {
  test("anonymous: pending, claimed, approved; the device code is the waiter's alone", async () => {
    const { tenant, userId, device } = await enrolled();
    const api = makeApi(tenant.origin, basic(tenant));
    const begun = await api("POST", "/v1/client/challenge/qr-code", {
      json: { action: "kiosk", custom: { desk: 4 } },
    });
    const { challengeId, deviceCode } = begun.body;
    expect(String(deviceCode)).not.toBe(String(challengeId));
    const poll = (code = deviceCode) =>
      api("POST", "/v1/client/verify/qr-code", { json: { challengeId, deviceCode: code } });
    expect((await poll()).json).toEqual({ isClaimed: false, isConsumed: false, isVerified: false });
    expect((await poll(challengeId)).status).toBe(400);
    // Nobody knows who asks: the phone is shown an action that the client lists, and no other words.
    const shown = (await device.claim(String(challengeId))).body;
    expect([shown.actionCode, shown.custom]).toEqual(["kiosk", undefined]);
    expect((await poll()).json).toEqual({ isClaimed: true, isConsumed: false, isVerified: false });
    await device.answer(String(challengeId), true);
    const done = await poll();
    expect(done.json).toEqual({
      isClaimed: true,
      isConsumed: true,
      isVerified: true,
      accessToken: expect.any(String),
    });
    const valid = await tenant.sdk.validateChallenge({ token: String(done.body.accessToken), userId });
    expect(valid).toMatchObject({ isValid: true });
  });

  test("T24 an approval that repeats the claim's own signature is refused; a decline and a fresh signature are not", async () => {
    const { tenant, device } = await enrolled();
    const api = makeApi(tenant.origin, basic(tenant));
    const begun = await api("POST", "/v1/client/challenge/qr-code", { json: { action: "kiosk" } });
    const id = String(begun.body.challengeId);
    const signature = device.sign(id);
    expect((await device.claim(id, signature)).status).toBe(200);
    expect((await device.claim(id)).status).toBe(200);
    const replayed = await device.answer(id, true, { signature });
    expect([replayed.status, replayed.body.errorCode]).toEqual([400, "invalid_request"]);
    expect((await device.answer(id, true)).json).toEqual({ isVerified: true });
  });
});
