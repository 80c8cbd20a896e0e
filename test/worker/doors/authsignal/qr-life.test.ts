import { afterEach, describe, expect, test, vi } from "vitest";
import { ask } from "../../support/app.ts";
import {
  answer,
  basic,
  bearer,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  track,
} from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import { frames, listen } from "../../support/sockets.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());

const START = Date.now();
const passed = (seconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: START + seconds * 1_000 });

async function scene(settings = {}) {
  passed(0);
  const tenant = await newTenant(at, settings);
  const user = fresh("u");
  const phone = await enrol(at, tenant, user, "qr-code");
  const start = async (headers: Record<string, string> = basic(tenant.id)) =>
    (await at.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, headers)).body;
  const poll = async ({ challengeId, deviceCode }: Awaited<ReturnType<typeof start>>) =>
    at.call("POST", "/v1/client/verify/qr-code", { challengeId, deviceCode }, basic(tenant.id));
  const token = async () => bearer((await track(at, tenant, user, "kiosk")).body.token);
  return { tenant, user, phone, start, poll, token };
}

const claim = async (phone: Phone, challengeId: unknown) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(String(challengeId)),
  });

const UNCLAIMED = { isClaimed: false, isConsumed: false, isVerified: false };

describe("T96 how long a QR code may be scanned", () => {
  test("as long as the setting says, whoever started it; then it reads as expired", async () => {
    const { phone, start, poll, token } = await scene({ qr_seconds: 30 });
    for (const headers of [undefined, await token()]) {
      passed(0);
      const [late, early] = [await start(headers), await start(headers)];
      expect(Date.parse(String(late.expiresAt))).toBe(START + 30_000);
      passed(29.999);
      expect((await claim(phone, early.challengeId)).status).toBe(200);
      passed(30);
      expect((await claim(phone, late.challengeId)).status).toBe(400);
      expect(await poll(late)).toMatchObject({ status: 200, body: UNCLAIMED });
      const view = await at.services.challenges.read(
        at.services.challenges.parse(String(late.challengeId)) ?? never(),
      );
      expect(view?.view.state).toBe("expired");
    }
  });

  test("one that was claimed in time is answered and collected long after", async () => {
    const { phone, start, poll } = await scene({ qr_seconds: 30 });
    const shown = await start();
    expect((await claim(phone, shown.challengeId)).status).toBe(200);
    passed(500);
    expect((await answer(at, phone, String(shown.challengeId), true)).body).toEqual({ isVerified: true });
    expect((await poll(shown)).body).toMatchObject({ isClaimed: true, isVerified: true });
  });

  test("on a socket too", async () => {
    const { tenant, phone } = await scene({ qr_seconds: 45 });
    const page = listen(
      await ask("/ws-v1-challenge", {
        headers: {
          Upgrade: "websocket",
          "Sec-WebSocket-Protocol": `authsignal-ws, x.authsignal.tenant.${tenant.id}`,
        },
      }),
    );
    const data = { challengeType: "QR_CODE", actionCode: "kiosk" };
    page.socket.send(JSON.stringify({ type: "CREATE_CHALLENGE", data }));
    await frames(page, 1);
    const created = JSON.parse(page.heard[0] ?? "").data;
    // Waiting for the frame moved the clock a little.
    expect(Math.floor((Date.parse(created.expiresAt) - START) / 1_000)).toBe(45);
    passed(46);
    expect((await claim(phone, created.challengeId)).status).toBe(400);
    page.socket.close(1000);
  });

  test("ten minutes when nothing is set: the vendor's page shows a new one every nine", async () => {
    const { phone, start } = await scene();
    const [one, two] = [await start(), await start()];
    expect(Date.parse(String(one.expiresAt))).toBe(START + 600_000);
    passed(599.999);
    expect((await claim(phone, one.challengeId)).status).toBe(200);
    passed(600);
    expect((await claim(phone, two.challengeId)).status).toBe(400);
  });

  test("never longer than its challenge", async () => {
    const { start } = await scene({ qr_seconds: 3_600, challenge_seconds: 60 });
    expect(Date.parse(String((await start()).expiresAt))).toBe(START + 60_000);
  });
});

function never(): never {
  throw new Error("not an id");
}
