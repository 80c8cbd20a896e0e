import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import { newDeviceId } from "../../../../src/core/ids.ts";
import { makeWebPush } from "../../../../src/delivery/web-push/send.ts";
import { makeKeyring } from "../../../../src/keys/keyring.ts";
import { newPushReader } from "../../../fakes/push-reader.ts";
import { manualClock, memoryShelf, randomChance, secretKeys } from "../../../fakes/signing-keys.ts";

const NOW = 1_790_000_000_000;
const clock = manualClock(NOW);
const keyring = makeKeyring({ shelf: memoryShelf(), secretKeys, clock, chance: randomChance });
const issuer = "https://sign.example";
const hosts = { more: [], allowPrivate: false };
const webPush = makeWebPush({ contact: "mailto:ops@sign.example", issuer, hosts, keyring, clock });

const challengeId = "ab".repeat(32) as ChallengeId;
const note = { challengeId, expiresAt: NOW + 120_900 };

type Sent = { readonly url: string; readonly init: RequestInit; readonly headers: Headers };
const sent: Sent[] = [];

/** A push service that answers with this status, or not at all. */
function pushService(status: number | undefined, headers: Record<string, string> = {}): void {
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    sent.push({ url: String(url), init, headers: new Headers(init.headers) });
    if (status === undefined) throw new TypeError("no route");
    return new Response("the service's own words", { status, headers });
  });
}

afterEach(() => {
  sent.splice(0);
  vi.unstubAllGlobals();
});

function subscription() {
  const reader = newPushReader();
  const endpoint = "https://updates.push.services.mozilla.com/wpush/v2/abc";
  return { reader, target: { endpoint, ...reader.keys } };
}

describe("a message to a browser", () => {
  test("is read by that browser alone, and says that a request waits and which: nothing else", async () => {
    pushService(201);
    const { reader, target } = subscription();
    expect(await webPush.send(target, note)).toEqual({ kind: "sent" });
    expect(sent.map(({ url, init }) => [url, init.method])).toEqual([[target.endpoint, "POST"]]);
    expect(JSON.parse(reader.read(sent[0]!.init.body as Uint8Array))).toEqual({
      web_push: 8030,
      notification: {
        title: "Sign-in request",
        body: "Open to see who asks.",
        navigate: `https://sign.example/phone#prompt=${challengeId}`,
        tag: challengeId,
        app_badge: "1",
      },
    });
  });

  test("T33 says that a device was added, and nothing of which", async () => {
    pushService(201);
    const { reader, target } = subscription();
    const newDevice = newDeviceId("0b5f0f4e-6b0a-4b8e-9a52-6a1d1f2d3c4b");
    expect(await webPush.send(target, { newDevice, expiresAt: note.expiresAt })).toEqual({ kind: "sent" });
    expect(JSON.parse(reader.read(sent[0]!.init.body as Uint8Array))).toEqual({
      web_push: 8030,
      notification: {
        title: "A device was added",
        body: "Open to see it. If it was not you, remove it.",
        navigate: "https://sign.example/phone#devices",
        tag: newDevice,
        app_badge: "1",
      },
    });
  });

  test("lives as long as the request, is urgent, and takes the place of itself", async () => {
    pushService(201);
    const { target } = subscription();
    await webPush.send(target, note);
    await webPush.send(target, note);
    await webPush.send(target, { ...note, challengeId: "cd".repeat(32) as ChallengeId });
    const [first, again, other] = sent.map(({ headers }) => headers);
    expect(Object.fromEntries(first!)).toMatchObject({
      ttl: "120",
      urgency: "high",
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
    });
    expect(first!.get("Topic")).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(again!.get("Topic")).toBe(first!.get("Topic"));
    expect(other!.get("Topic")).not.toBe(first!.get("Topic"));
    expect(challengeId).not.toContain(first!.get("Topic"));
  });

  test("names the deployment to this push service and to no other, for less than a day (RFC 8292)", async () => {
    pushService(201);
    const { target } = subscription();
    await webPush.send(target, note);
    const [, token = "", key = ""] =
      /^vapid t=([^,]+), k=([A-Za-z0-9_-]{87})$/.exec(sent[0]!.headers.get("Authorization") ?? "") ?? [];
    expect(key).toBe(await webPush.publicKey());
    expect(decodeProtectedHeader(token)).toEqual({ alg: "ES256", typ: "JWT" });
    const point = Buffer.from(key, "base64url");
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
    const keys = createLocalJWKSet({ keys: [{ kty: "EC", crv: "P-256", x: x!, y: y! }] });
    const { payload } = await jwtVerify(token, keys, { currentDate: new Date(NOW) });
    expect(payload).toEqual({
      aud: "https://updates.push.services.mozilla.com",
      exp: NOW / 1000 + 12 * 3_600,
      sub: "mailto:ops@sign.example",
    });
  });

  test.each([
    [200, { kind: "sent" }],
    [202, { kind: "sent" }],
    [404, { kind: "gone" }],
    [410, { kind: "gone" }],
    [400, { kind: "refused", reason: "status 400" }],
    [403, { kind: "refused", reason: "status 403" }],
    [413, { kind: "refused", reason: "status 413" }],
    [429, { kind: "retry", reason: "status 429" }],
    [500, { kind: "retry", reason: "status 500" }],
    [503, { kind: "retry", reason: "status 503" }],
    [undefined, { kind: "retry", reason: "no connection" }],
  ])("that the service answers with %s is %j", async (status, outcome) => {
    pushService(status);
    expect(await webPush.send(subscription().target, note)).toEqual(outcome);
  });

  test("T97 no redirect is followed", async () => {
    pushService(307, { Location: "https://169.254.169.254/latest" });
    expect(await webPush.send(subscription().target, note)).toEqual({
      kind: "refused",
      reason: "status 307",
    });
    expect(sent.map(({ init }) => init.redirect)).toEqual(["manual"]);
  });

  test("T97 nothing leaves for an endpoint that was kept under looser rules, or keys that are none", async () => {
    pushService(201);
    const { target } = subscription();
    for (const change of [
      { endpoint: "https://push.example/abc" },
      { auth: "AA" },
      { p256dh: target.auth },
    ]) {
      expect(await webPush.send({ ...target, ...change }, note)).toMatchObject({ kind: "refused" });
    }
    expect(sent).toEqual([]);
  });

  test("T97 says what keeps a subscription from being one", async () => {
    const { target } = subscription();
    expect(await webPush.faultOf(target)).toBeUndefined();
    expect(await webPush.faultOf({ ...target, endpoint: "https://10.0.0.1/x" })).toBe("endpoint");
    expect(await webPush.faultOf({ ...target, p256dh: target.auth })).toBe("keys");
  });
});
