import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { DELIVERY_ATTEMPTS } from "../../../src/core/message/deliver.ts";
import { parseEnv } from "../../../src/env.ts";
import { variedKey } from "../../fakes/signing-keys.ts";

const nothing = () => undefined;
const limiter = { limit: nothing };
const production = {
  DB: { prepare: nothing, batch: nothing },
  CHALLENGES: { get: nothing, idFromName: nothing },
  INBOXES: { get: nothing, idFromName: nothing },
  EVENTS: { send: nothing },
  ...{ LIMIT_START: limiter, LIMIT_WAIT: limiter, LIMIT_MISS: limiter },
  ...{ LIMIT_ADMIN: limiter, LIMIT_SEND: limiter, LIMIT_READ: limiter },
  ENVIRONMENT: "production",
  ISSUER: "https://sign.example",
  KEY_ENCRYPTION_KEY: `1:${variedKey(1)}`,
  HANDLE_KEY: `1:${variedKey(2)}`,
  PEPPER: variedKey(3),
  DELIVERY: "send",
};
const refused = (over: object): readonly string[] => {
  const env = parseEnv({ ...production, ...over });
  return env.ok ? [] : env.error;
};

const EMAIL_FROM = "no-reply@sign.example";
const HOOK = {
  DELIVERY_WEBHOOK_URL: "https://sender.example/in",
  DELIVERY_WEBHOOK_SECRET: "thirty-two-characters-at-the-least",
};
const TWILIO = {
  TWILIO_ACCOUNT_SID: `AC${"0".repeat(32)}`,
  TWILIO_AUTH_TOKEN: "token",
  SMS_COUNTRIES: "DE,AT",
};
const WHOLE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "e-mail by Cloudflare": { EMAIL_BY: "cloudflare", EMAIL: { send: nothing }, EMAIL_FROM },
  "e-mail by SMTP": { EMAIL_BY: "smtp", SMTP_HOST: "smtp.example", EMAIL_FROM },
  "e-mail by Resend": { EMAIL_BY: "resend", RESEND_API_KEY: "re_x", EMAIL_FROM },
  "e-mail by webhook": { EMAIL_BY: "webhook", ...HOOK },
  "texts by Twilio": { SMS_BY: "twilio", TWILIO_FROM: "+15005550006", ...TWILIO },
  "WhatsApp by Twilio": { WHATSAPP_BY: "twilio", TWILIO_WHATSAPP_FROM: "+15005550006", ...TWILIO },
  "texts by webhook": { SMS_BY: "webhook", SMS_COUNTRIES: "*", ...HOOK },
  "push by webhook": { PUSH_BY: "webhook", ...HOOK },
};

describe("who carries messages away", () => {
  test.each(Object.entries(WHOLE))(
    "T104 %s: serves with what it needs, and names what it misses",
    (_name, whole) => {
      expect(refused(whole)).toEqual([]);
      for (const missing of Object.keys(whole).filter((name) => !name.endsWith("_BY"))) {
        expect(refused({ ...whole, [missing]: undefined })).toEqual([missing]);
        if (missing !== "EMAIL") expect(refused({ ...whole, [missing]: "" })).toEqual([missing]);
      }
    },
  );

  test("T104 sending by nobody is no choice; not sending needs nothing", () => {
    expect(refused({})).toEqual(["EMAIL_BY"]);
    expect(refused({ DELIVERY: "none" })).toEqual([]);
  });

  test("T71 texts need a list of countries, whoever carries them", () => {
    const { SMS_COUNTRIES: _, ...unlisted } = WHOLE["texts by webhook"] ?? {};
    expect(refused(unlisted)).toEqual(["SMS_COUNTRIES"]);
    expect(refused({ ...unlisted, SMS_COUNTRIES: " " })).toEqual(["SMS_COUNTRIES"]);
  });

  test("T104 a name without its password is refused", () => {
    const smtp = WHOLE["e-mail by SMTP"];
    expect(refused({ ...smtp, SMTP_USERNAME: "u", SMTP_PASSWORD: "p" })).toEqual([]);
    expect(refused({ ...smtp, SMTP_USERNAME: "u" })).toEqual(["SMTP_PASSWORD", "SMTP_USERNAME"]);
  });

  test.each([
    ["SMTP_SECURITY", "none"],
    ["RESEND_URL", "http://resend.example"],
    ["FCM_URL", "http://fcm.example"],
    ["FCM_TOKEN_URL", "http://oauth2.example"],
    ["TWILIO_URL", "http://twilio.example"],
    ["DELIVERY_WEBHOOK_URL", "http://sender.example"],
  ])("T104 production sends nothing in the clear: %s = %s", (name, value) => {
    expect(refused({ ...WHOLE["e-mail by SMTP"], [name]: value })).toEqual([name]);
    expect(refused({ ...WHOLE["e-mail by SMTP"], [name]: value, ENVIRONMENT: "development" })).toEqual([]);
  });

  test.each([
    ["EMAIL_BY", "pigeon"],
    ["SMS_BY", "smtp"],
    ["EMAIL_FROM", "Shop <a@b.example>"],
    ["EMAIL_FROM", "a@b.example\r\nBcc: c@d.example"],
    ["SMTP_PORT", "0"],
    ["SMTP_PORT", "x"],
    ["SMTP_SECURITY", "maybe"],
    ["RESEND_URL", "https://api.resend.com/"],
    ["TWILIO_ACCOUNT_SID", "AC123/../x"],
    ["SMS_COUNTRIES", "Germany"],
    ["SMS_COUNTRIES", "DE;AT"],
    ["SMS_PER_RANGE", "-1"],
    ["DELIVERY_WEBHOOK_SECRET", "short"],
    ["DELIVERY_WEBHOOK_SECRET", `whsec_${Buffer.alloc(23, 7).toString("base64")}`],
    ["DELIVERY_WEBHOOK_SECRET", `whsec_${Buffer.alloc(65, 7).toString("base64")}`],
    ["DELIVERY_WEBHOOK_SECRET", `whsec_${Buffer.alloc(32, 7).toString("base64").replace("=", "")}`],
    ["DELIVERY_WEBHOOK_SECRET", "whsec_not-base64-but-long-enough-for-it"],
  ])("refuses %s = %j", (name, value) => {
    expect(refused({ ...WHOLE["e-mail by SMTP"], [name]: value })).toContain(name);
  });
});

test("the queue gives a message as many attempts as it is told of", () => {
  const toml = readFileSync(resolve(import.meta.dirname, "../../../wrangler.toml"), "utf8");
  expect(Number(/^max_retries = (\d+)$/m.exec(toml)?.[1]) + 1).toBe(DELIVERY_ATTEMPTS);
});
