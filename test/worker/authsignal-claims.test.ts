import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answer, basic, enrol, newTenant, type Phone, phoneCall, type Tenant } from "./support/authsignal.ts";
import { deployment, fresh } from "./support/cotter.ts";

const at = deployment();

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const startQr = async (tenant: Tenant) =>
  (await at.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, basic(tenant.id))).body;

const claim = async (phone: Phone, challengeId: unknown) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(String(challengeId)),
  });

const pollQr = async (tenant: Tenant, { challengeId, deviceCode }: Record<string, unknown>) => {
  const body = { challengeId, deviceCode };
  return (await at.call("POST", "/v1/client/verify/qr-code", body, basic(tenant.id))).body;
};

test("T25 a device younger than the QR code does not claim it; the code stays good for one that is not", async () => {
  const tenant = await newTenant(at);
  const phone = await enrol(at, tenant, fresh("u"), "qr-code");
  const started = await startQr(tenant);
  const id = String(started.challengeId);
  vi.setSystemTime(Date.now() + 1_000);
  const young = await enrol(at, tenant, fresh("u"), "qr-code");
  const refused = await claim(young, id);
  expect([refused.status, refused.body]).toEqual([
    400,
    {
      error: "invalid_request",
      errorCode: "invalid_request",
      errorDescription: "The credential was enrolled after this challenge began.",
    },
  ]);
  const untouched = { isClaimed: false, isConsumed: false, isVerified: false };
  expect(await pollQr(tenant, started)).toEqual(untouched);
  for (const approved of [true, false]) expect((await answer(at, young, id, approved)).status).toBe(400);
  expect((await claim(phone, id)).status).toBe(200);
  expect((await answer(at, phone, id, true)).body).toEqual({ isVerified: true });
  expect(await pollQr(tenant, started)).toMatchObject({ isClaimed: true, isVerified: true });
  // The next code is older than nobody's key.
  expect((await claim(young, (await startQr(tenant)).challengeId)).status).toBe(200);
});
