import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import { ask } from "../../support/app.ts";
import { answer, enrol, newTenant, type Phone, phoneCall, type Tenant } from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import { type Ear, frames, listen } from "../../support/sockets.ts";

const at = deployment();

// A QR socket may stand for hours. What its client was when it was opened must not stand as long.

/** Longer than an isolate remembers a client. */
const LATER = 31_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const wait = () => vi.setSystemTime(Date.now() + LATER);

async function openPage(settings: object = {}) {
  const sister = await newTenant(at);
  const through = { approve_through: [sister.id] };
  const tenant = await newTenant(at, { starts_per_minute: 0, ...through, ...settings });
  const phone = await enrol(at, tenant, fresh("u"), "qr-code");
  // Of a client whose devices may answer, because the disabled one's own app is refused.
  const other = await enrol(at, sister, fresh("u"), "qr-code");
  const protocol = `authsignal-ws, x.authsignal.tenant.${tenant.id}`;
  const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": protocol };
  const page = listen(await ask("/ws-v1-challenge", { headers }));
  return { tenant, phone, other, page };
}

function askCode(page: Ear): void {
  const data = { challengeType: "QR_CODE", actionCode: "kiosk" };
  page.socket.send(JSON.stringify({ type: "CREATE_CHALLENGE", data }));
}

async function newCode(page: Ear): Promise<string> {
  const before = page.heard.length;
  askCode(page);
  await frames(page, before + 1);
  return JSON.parse(page.heard[before] ?? "").data.challengeId;
}

const claim = async (phone: Phone, challengeId: string) => {
  const signature = await phone.key.sign(challengeId);
  const body = { challengeId, publicKey: phone.key.text, signature };
  expect((await phoneCall(at, phone, "POST", "/challenge/claim", body)).status).toBe(200);
};

const disable = ({ id }: Tenant) => at.services.clients.disable(id, Date.now());

test("a client that was disabled gets no further code, and its socket is closed", async () => {
  const { tenant, page } = await openPage();
  await newCode(page);
  await disable(tenant);
  wait();
  askCode(page);
  expect((await page.closed).code).toBe(4401);
  expect(page.heard).toHaveLength(1);
});

test("a client that was disabled before its code is claimed gets no token of it", async () => {
  const { tenant, other, page } = await openPage();
  const id = await newCode(page);
  await disable(tenant);
  wait();
  await claim(other, id);
  await frames(page, 2);
  await answer(at, other, id, true);
  expect((await page.closed).code).toBe(4401);
  expect(page.heard.join("")).not.toContain("accessToken");
});

test("action.verify that came after the code has its say before the token is told", async () => {
  const hook = vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(async () => new Response(null, { status: 403 }));
  const { tenant, phone, page } = await openPage({ webhook_events: [] });
  const id = await newCode(page);
  const change = { webhookUrl: "https://hooks.example/", settings: { webhook_events: ["action.verify"] } };
  await at.services.clients.update(tenant.id, change as never, Date.now());
  wait();
  await claim(phone, id);
  await frames(page, 2);
  await answer(at, phone, id, true);
  await frames(page, 3);
  expect(JSON.parse(page.heard[2] ?? "").data).toEqual({ challengeId: id, state: "rejected" });
  expect(hook).toHaveBeenCalled();
  expect((await at.services.challenges.read(id as ChallengeId))?.view.state).toBe("redeemed");
});
