import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { webhookKeyOf, webhookSecretOf } from "../../../../src/core/client/webhook-secret.ts";
import { webhookRetrySeconds } from "../../../../src/core/message/tell-webhook.ts";
import { signatureHeaders } from "../../../../src/delivery/webhook/sign.ts";

const root = resolve(import.meta.dirname, "../../../..");
const page = readFileSync(resolve(root, "docs/webhooks.md"), "utf8");
const code = /```js\n(import \{ createHmac[\s\S]*?)```/.exec(page)?.[1] ?? "";
const example: { readWebhook(secret: string, headers: object, rawBody: string): unknown } = await import(
  /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`
);

const NOW = 1_790_910_245_678;
const BODY = '{"id":"evt","type":"refresh_reused"}';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(NOW);
});
afterEach(() => {
  vi.useRealTimers();
});

const signed = async (...secrets: string[]) =>
  signatureHeaders(await Promise.all(secrets.map(webhookKeyOf)), "evt", NOW, BODY);

test("T98 the example of docs/webhooks.md takes what is sent, with the old secret as with the new one", async () => {
  const headers = await signed("new", "old");
  expect(example.readWebhook(await webhookSecretOf("new"), headers, BODY)).toEqual(JSON.parse(BODY));
  expect(example.readWebhook(await webhookSecretOf("old"), headers, BODY)).toEqual(JSON.parse(BODY));
});

test("the webhook secret of an older client can be made as the page says", async () => {
  const mac = createHmac("sha256", "its secret").update("webhook").digest("base64");
  expect(await webhookSecretOf("its secret")).toBe(`whsec_${mac}`);
  expect(page).toContain('"whsec_" + createHmac("sha256", clientSecret).update("webhook").digest("base64")');
});

test("T98 the example refuses another secret, another body, another id, a missing header and what is old", async () => {
  const headers = await signed("secret");
  const secret = await webhookSecretOf("secret");
  expect(example.readWebhook(await webhookSecretOf("other"), headers, BODY)).toBeUndefined();
  expect(example.readWebhook(secret, headers, `${BODY} `)).toBeUndefined();
  expect(example.readWebhook(secret, { ...headers, "webhook-id": "evt2" }, BODY)).toBeUndefined();
  expect(example.readWebhook(secret, {}, BODY)).toBeUndefined();
  vi.setSystemTime(NOW + 300_000);
  expect(example.readWebhook(secret, headers, BODY)).toBeUndefined();
});

test("the page names the pauses that the queue keeps, and one repeat for each", () => {
  expect([1, 2, 3, 4, 5].map(webhookRetrySeconds)).toEqual([10, 60, 300, 1_800, 7_200]);
  expect(page).toContain("after 10 s, 1 min, 5 min, 30 min and 2 h");
  expect(page).toContain("After the sixth failure");
  expect(readFileSync(resolve(root, "wrangler.toml"), "utf8")).toMatch(/^max_retries = 5$/m);
});
