import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import {
  answer,
  basic,
  bearer,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  server,
  startPush,
  type Tenant,
  track,
} from "../../support/authsignal.ts";
import { inside } from "../../support/challenges.ts";
import { deployment, fresh, newClient, newPerson, prompt, respond } from "../../support/cotter.ts";
import { until } from "../../support/until.ts";

const at = deployment();

// An action may have several challenges under way, of which its row names the newest. Closing it must reach the others too.

const HELD = { Prefer: "wait=20" };
const REFUSED = { isVerified: false, isConsumed: true };

const waiting = (id: string) =>
  until(
    async () => expect(await inside(id as ChallengeId, (_, state) => state.getWebSockets().length)).toBe(1),
    5,
  );

const startQr = async (token: unknown) => {
  const { body } = await at.call("POST", "/v1/client/challenge/qr-code", {}, bearer(token));
  return { id: String(body.challengeId), code: String(body.deviceCode) };
};

const pollQr = async (tenant: Tenant, { id, code }: { id: string; code: string }, headers: object = {}) =>
  (
    await at.call(
      "POST",
      "/v1/client/verify/qr-code",
      { challengeId: id, deviceCode: code },
      { ...basic(tenant.id), ...headers },
    )
  ).body;

const claim = async (phone: Phone, challengeId: string) => {
  const signature = await phone.key.sign(challengeId);
  return phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature,
  });
};

async function tracked() {
  const tenant = await newTenant(at, { starts_per_minute: 0 });
  const user = fresh("u");
  const phone = await enrol(at, tenant, user, "device");
  const { token, idempotencyKey } = (await track(at, tenant, user, "signIn")).body;
  const path = `/users/${user}/actions/signIn/${idempotencyKey}`;
  const set = async (state: string) =>
    expect((await server(at, tenant, "PATCH", path, { state })).body).toEqual({ state });
  const stateNow = async () => (await server(at, tenant, "GET", path)).body.state;
  return { tenant, phone, token, key: String(idempotencyKey), set, stateNow };
}

describe.each(["BLOCK", "CHALLENGE_FAILED", "REVIEW_REQUIRED"])(
  "an action that is said to be %s",
  (state) => {
    test.each(["push", "qr-code"])(
      "is not met by a QR code shown before its %s, held or not",
      async (later) => {
        for (const headers of [HELD, undefined]) {
          const { tenant, phone, token, set, stateNow } = await tracked();
          const shown = await startQr(token);
          await at.call("POST", `/v1/client/challenge/${later}`, {}, bearer(token));
          const page = headers && pollQr(tenant, shown, headers);
          if (page) await waiting(shown.id);
          await claim(phone, shown.id);
          await set(state);
          expect((await answer(at, phone, shown.id, true)).status).toBe(400);
          expect(await (page ?? pollQr(tenant, shown))).toEqual({ isClaimed: true, ...REFUSED });
          expect(await stateNow()).toBe(state);
        }
      },
    );

    test("is not met by a push that came before its QR code", async () => {
      const { phone, token, set, stateNow } = await tracked();
      const { body } = await at.call("POST", "/v1/client/challenge/push", {}, bearer(token));
      const id = String(body.challengeId);
      const page = at.call(
        "POST",
        "/v1/client/verify/push",
        { challengeId: id },
        { ...bearer(token), ...HELD },
      );
      await waiting(id);
      await startQr(token);
      await set(state);
      expect((await answer(at, phone, id, true)).status).toBe(400);
      expect((await page).body).toEqual(REFUSED);
      expect(await stateNow()).toBe(state);
    });
  },
);

test("a closed action is met by no device of the Cotter door, and a decline stays possible", async () => {
  const settings: ClientSettings = { user_ids: "subject", approve_through: "realm" };
  const tenant = await newTenant(at, { starts_per_minute: 0, ...settings });
  const web = await newClient(at);
  const person = await newPerson(at, web);
  for (const approved of [true, false]) {
    const { id, token, key } = await startPush(at, tenant, person.id);
    const shown = (await prompt(at, web, person)) ?? {};
    const page = at.call(
      "POST",
      "/v1/client/verify/push",
      { challengeId: id },
      { ...bearer(token), ...HELD },
    );
    await waiting(id);
    await startQr(token);
    await server(at, tenant, "PATCH", `/users/${person.id}/actions/signIn/${key}`, { state: "BLOCK" });
    expect((await respond(at, web, person, shown, approved)).status).toBe(approved ? 404 : 200);
    expect((await page).body).toEqual(REFUSED);
  }
});

test("T45 whoever has not claimed a code cannot end it by a closed action of the same name", async () => {
  const { tenant, phone, token, key, stateNow } = await tracked();
  const shown = await startQr(token);
  await claim(phone, shown.id);
  const other = fresh("u");
  const stranger = await enrol(at, tenant, other, "device");
  await track(at, tenant, other, "signIn", { idempotencyKey: key });
  await server(at, tenant, "PATCH", `/users/${other}/actions/signIn/${key}`, { state: "BLOCK" });
  expect((await answer(at, stranger, shown.id, true)).status).toBe(400);
  expect((await at.services.challenges.read(shown.id as ChallengeId))?.view.state).toBe("claimed");
  expect((await answer(at, phone, shown.id, true)).body).toEqual({ isVerified: true });
  expect(await stateNow()).toBe("CHALLENGE_SUCCEEDED");
});

test("A15 what one challenge has met, another that was under way is not asked for any more", async () => {
  const { tenant, phone, token } = await tracked();
  const shown = await startQr(token);
  const { body } = await at.call("POST", "/v1/client/challenge/push", {}, bearer(token));
  await answer(at, phone, String(body.challengeId), true);
  expect((await claim(phone, shown.id)).status).toBe(400);
  expect((await answer(at, phone, shown.id, true)).status).toBe(400);
  expect(await pollQr(tenant, shown)).toEqual({ isClaimed: false, isVerified: false, isConsumed: true });
});
