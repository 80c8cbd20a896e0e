import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Message, OutboxEntry } from "../../../src/core/ports/deliveries.ts";
import type { Carrier, Letter } from "../../../src/delivery/carrier.ts";
import { cloudflareCarrier } from "../../../src/delivery/email/cloudflare.ts";
import { resendCarrier } from "../../../src/delivery/email/resend.ts";
import { outboxCarrier } from "../../../src/delivery/outbox/carrier.ts";
import { twilioCarrier } from "../../../src/delivery/text/twilio.ts";
import { webhookCarrier } from "../../../src/delivery/webhook/carrier.ts";
import { CODE, letter, NOW } from "../../fakes/letters.ts";

type Arrival = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

const arrivals: Arrival[] = [];
let answer: (response: ServerResponse) => void;
const provider = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { method = "", url: path = "", headers } = request;
  arrivals.push({ method, path, headers, body: Buffer.concat(parts).toString("utf8") });
  answer(response);
});
let url: string;

beforeAll(async () => {
  await new Promise<void>((listening) => provider.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});
afterAll(async () => {
  provider.closeAllConnections();
  await new Promise((closed) => provider.close(closed));
});
beforeEach(() => {
  arrivals.length = 0;
  answer = (response) => response.writeHead(200, { "content-type": "application/json" }).end("{}");
});

const clock = { now: () => NOW };
const SECRET = "a-secret-that-nobody-may-see";
const ACCOUNT = `AC${"0".repeat(32)}`;
const PHONE = { channel: "sms", to: "+4915112345678" } as const;
const FROM = "no-reply@sign.example";

/** What a carrier handed over, as far as all of them say it. */
type Seen = { readonly to: string; readonly text: string };

type Kind = {
  readonly make: () => Carrier;
  readonly over: Partial<Message>;
  readonly seen: () => readonly Seen[];
};

const form = ({ body }: Arrival) => new URLSearchParams(body);
const kept: OutboxEntry[] = [];
const bound: { to: string; text: string }[] = [];

const twilio = (over: object = {}) =>
  twilioCarrier({ url, account: ACCOUNT, secret: SECRET, from: "+15005550006", ...over });

const HTTP: Readonly<Record<string, Kind>> = {
  resend: {
    make: () => resendCarrier({ url, key: SECRET, from: FROM }),
    over: {},
    seen: () => arrivals.map(({ body }) => ({ to: JSON.parse(body).to[0], text: JSON.parse(body).text })),
  },
  "twilio text": {
    make: () => twilio(),
    over: PHONE,
    seen: () =>
      arrivals.map((arrival) => ({
        to: form(arrival).get("To") ?? "",
        text: form(arrival).get("Body") ?? "",
      })),
  },
  "twilio whatsapp": {
    make: () => twilio(),
    over: { ...PHONE, channel: "whatsapp" },
    seen: () =>
      arrivals.map((arrival) => ({
        to: (form(arrival).get("To") ?? "").replace(/^whatsapp:/, ""),
        text: form(arrival).get("Body") ?? "",
      })),
  },
  "signed webhook": {
    make: () => webhookCarrier({ url: `${url}/hook`, secret: SECRET, clock }),
    over: {},
    seen: () => arrivals.map(({ body }) => JSON.parse(body).data),
  },
};

const ALL: Readonly<Record<string, Kind>> = {
  ...HTTP,
  "development outbox": {
    make: () => {
      kept.length = 0;
      const add = async (entry: OutboxEntry) => void kept.push(entry);
      return outboxCarrier({ add, newest: async () => kept }, clock);
    },
    over: {},
    seen: () => kept,
  },
  "Email binding": {
    make: () => {
      bound.length = 0;
      return cloudflareCarrier({ send: async (mail) => void bound.push(mail) }, FROM);
    },
    over: {},
    seen: () => bound,
  },
};

const textOf = ({ channel, text, short }: Letter) => (channel === "email" ? text : short);

describe.each(Object.entries(ALL))("every carrier: %s", (_name, { make, over, seen }) => {
  test("hands the letter over once, to its one address, in its own words", async () => {
    const carry = make();
    const given = letter(over);
    expect(await carry(given)).toEqual({ kind: "sent" });
    expect(seen()).toMatchObject([{ to: given.to, text: textOf(given) }]);
    expect(seen()[0]?.text).toContain(CODE);
  });

  test("carries names as they are, whatever they hold", async () => {
    const carry = make();
    const given = letter({ ...over, brand: { name: 'Ben & "Jerry" 株式会社 <x>' } });
    expect(await carry(given)).toEqual({ kind: "sent" });
    expect(seen()[0]?.text).toBe(textOf(given));
  });
});

describe.each(Object.entries(HTTP))("every carrier by HTTP: %s", (_name, { make, over }) => {
  test.each([
    [200, "sent"],
    [201, "sent"],
    [202, "sent"],
    [302, "refused"],
    [400, "refused"],
    [401, "refused"],
    [404, "refused"],
    [422, "refused"],
    [408, "retry"],
    [429, "retry"],
    [500, "retry"],
    [503, "retry"],
  ])("an answer %i means %s", async (status, kind) => {
    answer = (response) => response.writeHead(status, { location: `${url}/elsewhere` }).end("{}");
    expect(await make()(letter(over))).toMatchObject({ kind });
    expect(arrivals).toHaveLength(1);
  });

  test("T64 a reason holds neither the provider's words, nor the code, the address or the credential", async () => {
    const given = letter(over);
    const echo = JSON.stringify({ code: 21211, message: `${given.to} ${CODE} ${SECRET}`, more: "x" });
    answer = (response) => response.writeHead(400, { "content-type": "application/json" }).end(echo);
    const outcome = await make()(given);
    expect(outcome).toEqual({ kind: "refused", reason: "status 400 (code 21211)" });
  });

  test.each(["not json", "[]", "null", '{"code":"493027"}', '{"code":1.5}', "x".repeat(10_000)])(
    "an error that says %.20s is told by its status alone",
    async (words) => {
      answer = (response) => response.writeHead(400).end(words);
      expect(await make()(letter(over))).toEqual({ kind: "refused", reason: "status 400" });
    },
  );

  test("a provider is given fifteen seconds", async () => {
    const bound = vi.spyOn(AbortSignal, "timeout");
    expect(await make()(letter(over))).toEqual({ kind: "sent" });
    expect(bound.mock.calls).toEqual([[15_000]]);
    bound.mockRestore();
  });

  test("a provider that hangs up is tried again", async () => {
    answer = (response) => response.destroy();
    expect(await make()(letter(over))).toEqual({ kind: "retry", reason: "no connection" });
  });
});

test("Resend is asked as its documentation says", async () => {
  const given = letter({ brand: { name: 'Ben "B" Shop' } });
  await HTTP.resend?.make()(given);
  const [{ method, path, headers, body }] = arrivals as [Arrival];
  expect([method, path]).toEqual(["POST", "/emails"]);
  expect(headers).toMatchObject({
    authorization: `Bearer ${SECRET}`,
    "content-type": "application/json",
    "idempotency-key": given.id,
  });
  expect(JSON.parse(body)).toEqual({
    from: '"Ben \\"B\\" Shop" <no-reply@sign.example>',
    to: ["ana@example.com"],
    subject: given.subject,
    html: given.html,
    text: given.text,
  });
});

test("Resend being busy with the same message is no refusal", async () => {
  answer = (response) => response.writeHead(409).end("{}");
  expect(await HTTP.resend?.make()(letter())).toMatchObject({ kind: "retry" });
});

describe("Twilio is asked as its documentation says", () => {
  const basic = (user: string) => `Basic ${Buffer.from(`${user}:${SECRET}`).toString("base64")}`;
  const asked = async (carrier: Carrier, over: Partial<Message>) => {
    await carrier(letter(over));
    const [arrival] = arrivals as [Arrival];
    expect([arrival.method, arrival.path]).toEqual(["POST", `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`]);
    expect(arrival.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    return { fields: Object.fromEntries(form(arrival)), authorization: arrival.headers.authorization };
  };

  test("for a text, from a number", async () => {
    const { fields, authorization } = await asked(twilio(), PHONE);
    expect(fields).toEqual({ To: PHONE.to, From: "+15005550006", Body: letter(PHONE).short });
    expect(authorization).toBe(basic(ACCOUNT));
  });

  test("for a text, by a messaging service and with an API key", async () => {
    const service = `MG${"a".repeat(32)}`;
    const apiKey = `SK${"b".repeat(32)}`;
    const { fields, authorization } = await asked(twilio({ from: service, apiKey }), PHONE);
    expect(fields).toEqual({ To: PHONE.to, MessagingServiceSid: service, Body: letter(PHONE).short });
    expect(authorization).toBe(basic(apiKey));
  });

  test("for WhatsApp, by its approved template", async () => {
    const template = `HX${"c".repeat(32)}`;
    const { fields } = await asked(twilio({ template }), { ...PHONE, channel: "whatsapp" });
    expect(fields).toEqual({
      To: `whatsapp:${PHONE.to}`,
      From: "whatsapp:+15005550006",
      ContentSid: template,
      ContentVariables: JSON.stringify({ "1": CODE }),
    });
  });
});

test("a receiver with a Standard Webhooks secret checks the signature by the library", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  const secret = `whsec_${Buffer.from("a key of at least 24 bytes, any bytes").toString("base64")}`;
  await webhookCarrier({ url: `${url}/hook`, secret, clock })(letter());
  const [{ headers, body }] = arrivals as [Arrival];
  expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(body));
  vi.useRealTimers();
});

test("the webhook's receiver can check the signature, and knows a repeat by its id", async () => {
  const given = letter({ ...PHONE });
  await HTTP["signed webhook"]?.make()(given);
  const [{ path, headers, body }] = arrivals as [Arrival];
  expect(path).toBe("/hook");
  const signed = `${given.id}.${NOW / 1000}.${body}`;
  const mac = createHmac("sha256", SECRET).update(signed).digest("base64");
  expect(headers).toMatchObject({
    "webhook-id": given.id,
    "webhook-timestamp": String(NOW / 1000),
    "webhook-signature": `v1,${mac}`,
  });
  expect(JSON.parse(body)).toEqual({
    id: given.id,
    type: "message.send",
    data: {
      ...PHONE,
      template: "one_time_code",
      locale: "en",
      from: "Shop",
      text: given.short,
      code: CODE,
    },
  });
});

describe("the Email binding", () => {
  const failing = (code?: string) =>
    cloudflareCarrier(
      {
        send: async () => {
          throw Object.assign(new Error(`could not write to ana@example.com ${CODE}`), { code });
        },
      },
      FROM,
    )(letter());

  test.each([
    ["E_RECIPIENT_SUPPRESSED", "refused"],
    ["E_SENDER_NOT_VERIFIED", "refused"],
    ["E_RATE_LIMIT_EXCEEDED", "retry"],
    ["E_INTERNAL_SERVER_ERROR", "retry"],
    ["E_DELIVERY_FAILED", "retry"],
  ])("%s: %s", async (code, kind) => {
    expect(await failing(code)).toEqual({ kind, reason: `the Email binding failed (${code})` });
  });

  test("T64 an error's own words stay outside", async () => {
    expect(await failing()).toEqual({ kind: "retry", reason: "the Email binding failed" });
    expect(await failing(`E_X ${CODE}`)).toEqual({ kind: "retry", reason: "the Email binding failed" });
  });
});
