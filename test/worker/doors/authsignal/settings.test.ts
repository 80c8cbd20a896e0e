import { expect, test } from "vitest";
import type { WebhookOutcome } from "../../../../src/core/ports/webhooks.ts";
import {
  answer,
  enrol,
  inQuery,
  newTenant,
  type Phone,
  phoneCall,
  poll,
  startPush,
  validate,
} from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";

const at = deployment();

test("validate_once: a token is valid once, of any number at once; one that is not valid yet is not used up", async () => {
  const [strict, plain] = [await newTenant(at, { validate_once: true }), await newTenant(at)];
  for (const tenant of [strict, plain]) {
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    const { id, token } = await startPush(at, tenant, user);
    expect((await validate(at, tenant, { token })).body).toMatchObject({
      isValid: false,
      state: "CHALLENGE_REQUIRED",
    });
    await answer(at, phone, id, true);
    const { accessToken } = (await poll(at, token, id)).body;
    const told = await Promise.all(
      Array.from({ length: 20 }, () => validate(at, tenant, { token: accessToken })),
    );
    const valid = told.filter(({ body }) => body.isValid === true);
    expect(valid).toHaveLength(tenant === strict ? 1 : 20);
    for (const { body } of told.filter((each) => !valid.includes(each))) {
      expect(body).toEqual({ isValid: false, error: "already_validated" });
    }
  }
});

test("signed_prompts: without a signature nothing is shown, whichever client the phone names; with one it is", async () => {
  const strict = await newTenant(at, { signed_prompts: true });
  const lax = await newTenant(at, { approve_through: [strict.id] });
  const user = fresh("u");
  const phone = await enrol(at, strict, user);
  const { id } = await startPush(at, strict, user);
  const query = `?publicKey=${inQuery(phone.key)}`;
  const get = (by: Phone, headers: Record<string, string> = {}) =>
    phoneCall(at, by, "GET", `/challenge${query}`, undefined, headers);
  for (const tenant of [strict, lax]) {
    const bare = await get({ ...phone, tenant });
    expect([bare.status, bare.body.error]).toEqual([400, "invalid_request"]);
  }
  const nonce = String((await phoneCall(at, phone, "POST", `/challenge/sign${query}`)).body.message);
  const shown = await get(phone, { "X-Authsignal-Signature": await phone.key.sign(nonce) });
  expect([shown.status, shown.body.challengeId]).toEqual([200, id]);
});

test("signed_prompts of the tenant that asks holds also for a phone of another one", async () => {
  const lax = await newTenant(at);
  const strict = await newTenant(at, {
    signed_prompts: true,
    approve_through: [lax.id],
    user_ids: "subject",
  });
  const phone = await enrol(at, lax, fresh("u"));
  const device = await at.services.devices.byId(phone.id as never);
  const { id } = await startPush(at, strict, String(device?.userId));
  const query = `?publicKey=${inQuery(phone.key)}`;
  const bare = await phoneCall(at, phone, "GET", `/challenge${query}`);
  expect([bare.status, bare.body.error]).toEqual([400, "invalid_request"]);
  const nonce = String((await phoneCall(at, phone, "POST", `/challenge/sign${query}`)).body.message);
  const signature = await phone.key.sign(nonce);
  const shown = await phoneCall(at, phone, "GET", `/challenge${query}`, undefined, {
    "X-Authsignal-Signature": signature,
  });
  expect(shown.body).toMatchObject({ challengeId: id, requestedBy: { tenantId: strict.id } });
});

test.each([
  ["optional", 200],
  ["required", 502],
] as const)(
  "push_webhook %s: a webhook that does not take push.created is answered %i",
  async (push_webhook, status) => {
    const refused: WebhookOutcome = { kind: "retry", reason: "status 500" };
    const here = deployment({}, () => ({
      actionWebhooks: { send: async () => refused },
      events: { send: async () => undefined },
    }));
    const tenant = await newTenant(here, { push_webhook }, { webhookUrl: "https://hook.example/in" });
    const user = fresh("u");
    const phone = await enrol(here, tenant, user);
    const started = await startPush(here, tenant, user);
    expect(started.answer.status).toBe(status);
    const shown = await phoneCall(here, phone, "GET", `/challenge?publicKey=${inQuery(phone.key)}`);
    expect(shown.body.challengeId).toBe(status === 200 ? started.id : undefined);
  },
);
