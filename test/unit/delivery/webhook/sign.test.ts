import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../../../src/core/audit/event.ts";
import type { ClientId, UserId } from "../../../../src/core/ids.ts";
import { webhookRetrySeconds } from "../../../../src/core/message/tell-webhook.ts";
import { outcomeOf } from "../../../../src/delivery/http.ts";
import { webhookBody } from "../../../../src/delivery/webhook/body.ts";
import { signatureHeaders } from "../../../../src/delivery/webhook/sign.ts";

const AT = 1_760_000_000_999;
const keys = (...secrets: string[]) => secrets.map((secret) => new TextEncoder().encode(secret));
const BODY = '{"id":"evt_1","name":"Grüße 👋"}';

/** Standard Webhooks 1.0 by Node's own crypto. */
const expected = (secret: string, id: string, seconds: string, body: string) =>
  `v1,${createHmac("sha256", Buffer.from(secret, "utf8")).update(`${id}.${seconds}.${body}`, "utf8").digest("base64")}`;

describe("the signature", () => {
  test("T98 is HMAC-SHA-256 over id, whole seconds and body, by the key", async () => {
    const headers = await signatureHeaders(keys("s3cret-ß"), "evt_1", AT, BODY);
    expect(headers).toEqual({
      "webhook-id": "evt_1",
      "webhook-timestamp": "1760000000",
      "webhook-signature": expected("s3cret-ß", "evt_1", "1760000000", BODY),
    });
  });

  test("matches a value made by another tool", async () => {
    // printf '%s' '<id>.<seconds>.<body>' | openssl dgst -sha256 -hmac <secret> -binary | base64
    const { "webhook-signature": signature } = await signatureHeaders(
      keys("plain-ascii-key-of-32-characters"),
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1_614_265_330_000,
      '{"test": 2432232314}',
    );
    expect(signature).toBe("v1,PzmYI9Ga1dP8cvnimrr41FvIDeFO6ujBCzFPcw+px54=");
  });

  test("T98 there is one per key, in their order", async () => {
    const { "webhook-signature": both } = await signatureHeaders(keys("new", "old"), "evt_1", AT, BODY);
    expect(both.split(" ")).toEqual([
      expected("new", "evt_1", "1760000000", BODY),
      expected("old", "evt_1", "1760000000", BODY),
    ]);
  });
});

describe("the body", () => {
  const event: AuditEvent = {
    id: "0199c0000000abcdef0123456789abcd",
    at: Date.UTC(2026, 9, 2, 3, 4, 5, 678),
    type: "refresh_reused",
    actor: "client:shop",
    ip: "198.51.100.7",
    reason: "not for the receiver",
    clientId: "shop" as ClientId,
  };

  test("says what happened, when and to whom, and keeps address and reason in the trail", () => {
    const user = "0b5cbd4e-8a4c-4f7f-9b7c-0f3f5f4f7f11" as UserId;
    const told = webhookBody("shop" as ClientId, { ...event, userId: user, data: { grant_id: "g" } });
    expect(JSON.parse(told)).toEqual({
      id: event.id,
      type: "refresh_reused",
      at: "2026-10-02T03:04:05.678Z",
      client_id: "shop",
      user_id: user,
      data: { grant_id: "g" },
    });
  });

  test("leaves out the user when there is none; data is always an object", () => {
    expect(JSON.parse(webhookBody("shop" as ClientId, event))).toEqual({
      id: event.id,
      type: "refresh_reused",
      at: "2026-10-02T03:04:05.678Z",
      client_id: "shop",
      data: {},
    });
  });
});

describe("what an answer means", () => {
  test.each([200, 201, 202, 204, 299])("%i: sent", (status) => {
    expect(outcomeOf(status)).toEqual({ kind: "sent" });
  });

  test.each([300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 409, 410, 413, 422, 451])(
    "%i: refused, and not tried again",
    (status) => {
      expect(outcomeOf(status)).toEqual({ kind: "refused", reason: `status ${status}` });
    },
  );

  test.each([408, 429, 500, 502, 503, 504, 522])("%i: tried again", (status) => {
    expect(outcomeOf(status)).toEqual({ kind: "retry", reason: `status ${status}` });
  });

  test("the pauses grow to two hours and stay there", () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(webhookRetrySeconds)).toEqual([
      10, 60, 300, 1_800, 7_200, 7_200, 7_200,
    ]);
    expect(webhookRetrySeconds(0)).toBe(10);
  });
});
