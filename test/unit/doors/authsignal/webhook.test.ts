import { expect, test } from "vitest";
import type { Client } from "../../../../src/core/client/client.ts";
import type { ClientId } from "../../../../src/core/ids.ts";
import type { Clients } from "../../../../src/core/ports/clients.ts";
import type { ClientSecrets } from "../../../../src/core/ports/secrets.ts";
import { makeWebhooks } from "../../../../src/delivery/webhook/send.ts";
import {
  actionBody,
  actionSignature,
  makeActionWebhooks,
} from "../../../../src/doors/authsignal/action/webhook-form.ts";

const AT = Date.parse("2026-11-21T01:00:00.000Z");
const event = {
  id: "2f0c7a54-7a1f-4a0e-9d59-0a4f4f1f6a10",
  type: "push.created",
  at: AT,
  data: {
    challengeId: "c0ffee00c0ffee00c0ffee00c0ffee00",
    userId: "u-42",
    idempotencyKey: "5a1d8b63-9a5c-4f4c-8c0e-61b7d3f0a9d2",
    actionCode: "signIn",
  },
};
const body = actionBody("0b6c2f4e-7a51-4d0f-9d0c-5a2f7f1f4b11" as ClientId, event);

test("the wire's vector: envelope and signature (Authsignal §12)", async () => {
  expect(body).toBe(
    '{"version":1,"id":"2f0c7a54-7a1f-4a0e-9d59-0a4f4f1f6a10","source":"https://authsignal.com","time":"2026-11-21T01:00:00.000Z","tenantId":"0b6c2f4e-7a51-4d0f-9d0c-5a2f7f1f4b11","type":"push.created","data":{"challengeId":"c0ffee00c0ffee00c0ffee00c0ffee00","userId":"u-42","idempotencyKey":"5a1d8b63-9a5c-4f4c-8c0e-61b7d3f0a9d2","actionCode":"signIn"}}',
  );
  expect(await actionSignature(["sk_test_local"], 1_795_225_200_000, body)).toBe(
    "t=1795225200,v2=NqNR7D2e2zUefX4rA/rD4pXanQ2h+vyxyondFcnssXs",
  );
});

test("T98 two secrets while one is replaced: both sign, newest first, no space and no padding", async () => {
  const both = await actionSignature(["new", "old"], AT, body);
  const [time, first, second, ...rest] = both.split(",");
  expect(rest).toEqual([]);
  const alone = async (secret: string) => (await actionSignature([secret], AT, body)).split(",")[1];
  expect([time, first, second]).toEqual([`t=${AT / 1_000}`, await alone("new"), await alone("old")]);
  expect(both).not.toMatch(/[ =]$/);
});

test("T97 a private address is not called, however it came to be kept", async () => {
  const clock = { now: () => AT };
  const webhooks = makeActionWebhooks({
    clock,
    webhooks: makeWebhooks({ clock, allowPrivate: false }),
    clients: { secretsOf: async () => ["s"] } as unknown as Clients,
    secrets: { unseal: async (sealed: string) => sealed } as ClientSecrets,
    log: () => undefined,
  });
  for (const url of [
    "https://169.254.169.254/",
    "https://10.0.0.7/in",
    "https://db.internal/in",
    "http://hook.example/",
  ]) {
    const shop = { id: "shop", webhookUrl: url } as Client;
    expect(await webhooks.send(shop, event)).toMatchObject({ kind: "refused" });
  }
});
