import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import type { WebhookOutcome } from "../../../../src/core/ports/webhooks.ts";
import {
  answer,
  basic,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  server,
  type Tenant,
  validate,
} from "../../support/authsignal.ts";
import { type Deployment, deployment, fresh } from "../../support/cotter.ts";

const at = deployment();

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const startQr = async (tenant: Tenant, here: Deployment = at) =>
  (await here.call("POST", "/v1/client/challenge/qr-code", { action: "kiosk" }, basic(tenant.id))).body;

const claim = async (phone: Phone, challengeId: unknown, here: Deployment = at) =>
  phoneCall(here, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(String(challengeId)),
  });

const pollQr = async (
  tenant: Tenant,
  { challengeId, deviceCode }: Record<string, unknown>,
  here: Deployment = at,
) => {
  const body = { challengeId, deviceCode };
  return (await here.call("POST", "/v1/client/verify/qr-code", body, basic(tenant.id))).body;
};

test("T25 a device younger than the QR code does not claim it, on record; the code stays good for one that is not", async () => {
  const queued: QueueMessage[] = [];
  const at = deployment({}, () => ({ events: { send: async (message) => void queued.push(message) } }));
  const tenant = await newTenant(at);
  const phone = await enrol(at, tenant, fresh("u"), "qr-code");
  const started = await startQr(tenant);
  const id = String(started.challengeId);
  vi.setSystemTime(Date.now() + 1_000);
  const young = await enrol(at, tenant, fresh("u"), "qr-code");
  const refused = await claim(young, id, at);
  expect([refused.status, refused.body]).toEqual([
    400,
    {
      error: "invalid_request",
      errorCode: "invalid_request",
      errorDescription: "The credential was enrolled after this challenge began.",
    },
  ]);
  const noted = queued.flatMap((message) => (message.kind === "audit" ? message.events : []));
  expect(noted).toMatchObject([
    { type: "decision_refused", reason: "device_too_young", clientId: tenant.id },
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

type Listed = { readonly actionCode: string; readonly idempotencyKey: string; readonly state: string };
const listed = async (here: Deployment, tenant: Tenant, user: string): Promise<readonly Listed[]> =>
  (await server(here, tenant, "GET", `/users/${user}/actions?codes=kiosk`)).body as unknown as Listed[];

test.each([true, false])(
  "an anonymous code's action is on record from its claim on; answered %s",
  async (approved) => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user, "qr-code");
    const started = await startQr(tenant);
    const claimed = await claim(phone, started.challengeId);
    expect((await claim(phone, started.challengeId)).body).toEqual(claimed.body);
    const row = { actionCode: "kiosk", idempotencyKey: claimed.body.idempotencyKey };
    expect(await listed(at, tenant, user)).toMatchObject([{ ...row, state: "CHALLENGE_REQUIRED" }]);
    await answer(at, phone, String(started.challengeId), approved);
    const state = approved ? "CHALLENGE_SUCCEEDED" : "CHALLENGE_FAILED";
    expect(await listed(at, tenant, user)).toMatchObject([{ ...row, state }]);
    expect(await pollQr(tenant, started)).toMatchObject({ isConsumed: true, isVerified: approved });
  },
);

/** A place whose webhook says about each approval what `words` say in turn; each word may be held back. */
function vetoing(word: (turn: number) => Promise<WebhookOutcome>) {
  let asked = 0;
  const here = deployment({}, () => ({
    actionWebhooks: {
      send: async (_target, { type }) => (type === "action.verify" ? await word(asked++) : { kind: "sent" }),
    },
  }));
  return { here, asked: () => asked };
}

const YES: WebhookOutcome = { kind: "sent" };
const NO: WebhookOutcome = { kind: "refused", reason: "status 403" };

async function scanned(here: Deployment) {
  const settings = { webhook_events: ["action.verify"] };
  const tenant = await newTenant(here, settings, { webhookUrl: "https://hook.example/in" });
  const user = fresh("u");
  const phone = await enrol(here, tenant, user, "qr-code");
  const started = await startQr(tenant, here);
  expect((await claim(phone, started.challengeId, here)).status).toBe(200);
  /** What backend, page and list are told at last; all must be of one mind. */
  const outcome = async () => {
    const { isVerified, isConsumed, accessToken } = await pollQr(tenant, started, here);
    const [row] = await listed(here, tenant, user);
    const state = isVerified ? "CHALLENGE_SUCCEEDED" : "CHALLENGE_FAILED";
    expect([isConsumed, row?.state, accessToken !== undefined]).toEqual([true, state, isVerified]);
    if (accessToken !== undefined) {
      const valid = await validate(here, tenant, { token: accessToken, userId: user, action: "kiosk" });
      expect(valid.body).toMatchObject({ isValid: true, state });
    }
    return isVerified;
  };
  const approve = () => answer(here, phone, String(started.challengeId), true);
  return { tenant, started, approve, outcome };
}

test.each([
  ["no", NO, YES, false],
  ["yes", YES, NO, true],
] as const)(
  "T45 race: an anonymous code's two words cross, and the first that is written, a %s, stands",
  async (_name, first, second, stands) => {
    const gates: ((outcome: WebhookOutcome) => void)[] = [];
    const { here } = vetoing(
      (turn) =>
        new Promise((resolve) => {
          gates[turn] = resolve;
        }),
    );
    const { tenant, started, approve, outcome } = await scanned(here);
    const told = approve();
    await expect.poll(() => gates.length).toBe(1);
    const polled = pollQr(tenant, started, here);
    await expect.poll(() => gates.length).toBe(2);
    gates[1]?.(first);
    expect(await polled).toMatchObject({ isConsumed: true, isVerified: stands });
    gates[0]?.(second);
    expect((await told).body).toEqual({ isVerified: stands });
    expect(await outcome()).toBe(stands);
    expect(gates).toHaveLength(2);
  },
);

test("T45 race: twenty polls and the approval itself, told yes and no by turns: one outcome, and everybody is told it", async () => {
  const { here, asked } = vetoing(async (turn) => (turn % 2 === 0 ? YES : NO));
  const { tenant, started, approve, outcome } = await scanned(here);
  const told = approve();
  const polls = await Promise.all(Array.from({ length: 20 }, () => pollQr(tenant, started, here)));
  await told;
  const stands = await outcome();
  expect(asked()).toBeGreaterThan(0);
  for (const { isConsumed, isVerified } of polls) if (isConsumed) expect(isVerified).toBe(stands);
});
