import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv as parseDotenv } from "node:util";
import { describe, expect, test } from "vitest";
import { SECRETS } from "../../scripts/deploy-plan.ts";
import { makeSecrets } from "../../scripts/kept-secrets.ts";
import { contactOf } from "../../src/core/message/push-sender.ts";
import { parseEnv, readEnv } from "../../src/env.ts";

const example = parseDotenv(
  readFileSync(resolve(import.meta.dirname, "../../.dev.vars.example"), "utf8"),
) as Record<string, string>;

const nothing = () => undefined;
const bindings = {
  DB: { prepare: nothing, batch: nothing },
  CHALLENGES: { get: nothing, idFromName: nothing },
  INBOXES: { get: nothing, idFromName: nothing },
  EVENTS: { send: nothing },
  LIMIT_START: { limit: nothing },
  LIMIT_WAIT: { limit: nothing },
  LIMIT_MISS: { limit: nothing },
  LIMIT_ADMIN: { limit: nothing },
  LIMIT_SEND: { limit: nothing },
  LIMIT_READ: { limit: nothing },
};
/** Bytes as a generator gives them, the same at each run. */
const bytes = (seed: number) => createHash("sha256").update(`key ${seed}`).digest();
const key = (seed: number) => bytes(seed).toString("base64url");
const development = {
  ...bindings,
  ...example,
  ENVIRONMENT: "development",
  ISSUER: "http://127.0.0.1:8787",
};
const production = {
  ...bindings,
  ENVIRONMENT: "production",
  ISSUER: "https://sign.example",
  KEY_ENCRYPTION_KEY: `1:${key(1)}`,
  HANDLE_KEY: `2:${key(2)},1:${key(3)}`,
  PEPPER: key(4),
  ADMIN_TOKEN: "an-admin-token-of-its-own-and-long",
};

const refused = (raw: object): readonly string[] => {
  const env = parseEnv(raw);
  return env.ok ? [] : env.error;
};

describe("the environment", () => {
  test("serves with the example's values in development, and with its own in production", () => {
    expect(refused(development)).toEqual([]);
    expect(refused(production)).toEqual([]);
  });

  test("takes the hosts of open clients, and none by default", () => {
    const list = "claude.ai, vscode.dev:8443,localhost,127.0.0.1,[::1],cursor:,com.example.app:";
    const named = { OPEN_CLIENT_HOSTS: list, OPEN_CLIENT_RESOURCES: "https://a.example/mcp, urn:b" };
    expect(refused({ ...production, ...named })).toEqual([]);
    const env = parseEnv({ ...production, OPEN_CLIENT_HOSTS: "" });
    expect(env.ok && [env.value.OPEN_CLIENT_HOSTS, env.value.OPEN_CLIENT_REALM]).toEqual([undefined, "main"]);
  });

  test.each([
    "mailto:ops@sign.example",
    "mailto:push+abuse@mail.sign.example",
    "https://sign.example/contact",
    "",
  ])("takes a contact that push services can write to: %j", (PUSH_CONTACT) => {
    expect(refused({ ...production, PUSH_CONTACT })).toEqual([]);
  });

  test.each([
    "mailto:ops@localhost",
    "mailto:ops@sign.local",
    "mailto:ops@app.localhost",
    "mailto:ops@127.0.0.1",
    "mailto:ops@[::1]",
    "mailto:ops@sign",
    "mailto:ops",
    "mailto:a@sign.example,b@sign.example",
    "mailto:ops@sign.example?subject=x",
    "ops@sign.example",
    "http://sign.example",
    "https://localhost",
    "https://192.0.2.1",
    "https://8.8.8.8",
    "https://sign.internal/contact",
    "tel:+491700000000",
  ])("refuses a contact that none can, also in development: %s", (PUSH_CONTACT) => {
    expect(refused({ ...production, PUSH_CONTACT })).toEqual(["PUSH_CONTACT"]);
    expect(refused({ ...development, PUSH_CONTACT })).toEqual(["PUSH_CONTACT"]);
  });

  test("goes by the issuer where no contact is named, if push services can reach that", () => {
    expect(contactOf(undefined, "https://sign.example")).toBe("https://sign.example");
    expect(contactOf("mailto:ops@sign.example", "http://localhost:8787")).toBe("mailto:ops@sign.example");
    for (const issuer of ["http://localhost:8787", "http://192.168.0.5:8787", "https://sign.local"]) {
      expect(contactOf(undefined, issuer)).toBeUndefined();
    }
  });

  test("fills in the production defaults", () => {
    const env = parseEnv(production);
    expect(env.ok && env.value).toMatchObject({
      IP_LIMITS: "on",
      DELIVERY: "none",
      ALLOW_PRIVATE_CALLBACKS: "false",
    });
  });

  test.each([
    "DB",
    "CHALLENGES",
    "INBOXES",
    "EVENTS",
    "LIMIT_START",
    "LIMIT_WAIT",
    "LIMIT_MISS",
    "LIMIT_ADMIN",
    "LIMIT_SEND",
    "LIMIT_READ",
    "ENVIRONMENT",
    "ISSUER",
    "KEY_ENCRYPTION_KEY",
    "HANDLE_KEY",
    "PEPPER",
  ])("T104 %s missing: refuses to serve and says which", (name) => {
    for (const whole of [development, production]) {
      const { [name as keyof typeof whole]: _, ...rest } = whole;
      expect(refused(rest)).toEqual([name]);
    }
  });

  test.each([
    ["KEY_ENCRYPTION_KEY", example.KEY_ENCRYPTION_KEY],
    ["KEY_ENCRYPTION_KEY", `2:${key(9)},${example.KEY_ENCRYPTION_KEY}`],
    ["HANDLE_KEY", example.HANDLE_KEY],
    ["PEPPER", example.PEPPER],
    ["ADMIN_TOKEN", example.ADMIN_TOKEN],
    ["DELIVERY", "outbox"],
    ["ALLOW_PRIVATE_CALLBACKS", "true"],
    ["ISSUER", "http://sign.example"],
  ])("T104 production refuses the published or unsafe value of %s", (name, value) => {
    expect(value).toBeTruthy();
    expect(refused({ ...production, [name]: value })).toEqual([name]);
  });

  test.each([
    ["ISSUER", "https://sign.example/"],
    ["ISSUER", "https://sign.example/path"],
    ["ISSUER", "https://user@sign.example"],
    ["ISSUER", "https://SIGN.example"],
    ["ISSUER", "https://sign.example:443"],
    ["ISSUER", "ftp://sign.example"],
    ["ISSUER", "sign.example"],
    ["ISSUER", "http://127.0.0.1.sign.example"],
    ["ENVIRONMENT", "staging"],
    ["PUSH_HOSTS", "https://push.example"],
    ["PUSH_HOSTS", "push.example/send"],
    ["FCM_SERVICE_ACCOUNT", "{}"],
    ["FCM_URL", "fcm.googleapis.com"],
    ["FCM_TOKEN_URL", "https://oauth2.googleapis.com/token/"],
    ["AUDIT_DAYS", "0"],
    ["AUDIT_DAYS", "30d"],
    ["IP_LIMITS", "yes"],
    ["OPEN_CLIENT_HOSTS", "https://claude.ai"],
    ["OPEN_CLIENT_HOSTS", "Claude.ai"],
    ["OPEN_CLIENT_HOSTS", "claude.ai/oauth"],
    ["OPEN_CLIENT_HOSTS", "claude.ai,,localhost"],
    ["OPEN_CLIENT_HOSTS", "*"],
    ["OPEN_CLIENT_REALM", "a b"],
    ["OPEN_CLIENT_RESOURCES", "api.example"],
    ["OPEN_CLIENT_RESOURCES", "https://api.example/mcp#a"],
    ["DELIVERY", "pigeon"],
    ["JURISDICTION", "mars"],
    ["PEPPER", "short"],
    ["PEPPER", `${key(1).slice(0, 42)}B`],
    ["HANDLE_KEY", key(1)],
    ["HANDLE_KEY", `0:${key(1)}`],
    ["HANDLE_KEY", `1:${key(1)},1:${key(2)}`],
    ["KEY_ENCRYPTION_KEY", `1:${key(1)},`],
    ["DB", {}],
    ["EVENTS", "queue"],
  ])("refuses %s = %j", (name, value) => {
    expect(refused({ ...production, [name]: value })).toEqual([name]);
  });

  test("a blank admin token is no admin token", () => {
    const env = parseEnv({ ...production, ADMIN_TOKEN: "" });
    expect(env.ok && env.value.ADMIN_TOKEN).toBeUndefined();
    expect(env.ok).toBe(true);
  });

  test("names every bad variable once, and no value", () => {
    const names = refused({ ...production, PEPPER: "hunter2", ISSUER: "hunter3", HANDLE_KEY: 7 });
    expect(names).toEqual(["HANDLE_KEY", "ISSUER", "PEPPER"]);
  });

  test("is read once for each object of the platform", () => {
    const raw = { ...production };
    expect(readEnv(raw)).toBe(readEnv(raw));
    expect(readEnv({ ...raw })).not.toBe(readEnv(raw));
  });
});

describe("production refuses what is weak", () => {
  const text = (raw: Uint8Array) => Buffer.from(raw).toString("base64url");
  const filled = (of: (index: number) => number) =>
    text(Uint8Array.from({ length: 32 }, (_, index) => of(index)));
  const WEAK_KEYS: readonly (readonly [name: string, key: string])[] = [
    ["all zero", filled(() => 0)],
    ["one byte", filled(() => 0xa5)],
    ["two bytes in turn", filled((index) => (index % 2 ? 1 : 254))],
    ["eight bytes again and again", filled((index) => bytes(1)[index % 8] ?? 0)],
    ["counted up", filled((index) => index)],
    ["counted down by three", filled((index) => 255 - 3 * index)],
    ["hex digits", text(Buffer.from(bytes(1).toString("hex").slice(0, 32)))],
    ["a word and nothing", text(Buffer.concat([Buffer.from("correct horse"), Buffer.alloc(19)]))],
  ];

  test.each(WEAK_KEYS)("T134 a key that is %s", (_name, weak) => {
    for (const [name, value] of [
      ["KEY_ENCRYPTION_KEY", `1:${weak}`],
      ["KEY_ENCRYPTION_KEY", `2:${key(9)},1:${weak}`],
      ["HANDLE_KEY", `1:${weak}`],
      ["PEPPER", weak],
    ] as const) {
      expect(refused({ ...production, [name]: value })).toEqual([name]);
      expect(refused({ ...production, [name]: value, ALLOW_WEAK_SECRETS: "true" })).toEqual([]);
    }
  });

  test("T134 an admin token of fewer than 32 characters, or of a few over and over", () => {
    for (const ADMIN_TOKEN of ["x", "x".repeat(64), "ab".repeat(32), key(1).slice(0, 31)]) {
      expect(refused({ ...production, ADMIN_TOKEN })).toEqual(["ADMIN_TOKEN"]);
      expect(refused({ ...production, ADMIN_TOKEN, ALLOW_WEAK_SECRETS: "true" })).toEqual([]);
    }
    expect(refused({ ...production, ADMIN_TOKEN: key(1).slice(0, 32) })).toEqual([]);
  });

  test.each([" ", "a b", `${key(5)} `, `${key(5)}\n`, `\t${key(5)}`, `${key(5)}\u00e9`, `${key(5)}\u0000`])(
    "T134 an admin token that no header can carry, in development too: %j",
    (ADMIN_TOKEN) => {
      for (const whole of [production, { ...production, ALLOW_WEAK_SECRETS: "true" }, development]) {
        expect(refused({ ...whole, ADMIN_TOKEN })).toEqual(["ADMIN_TOKEN"]);
      }
    },
  );

  test("T134 one key for two purposes", () => {
    const shared = [
      [{ HANDLE_KEY: production.KEY_ENCRYPTION_KEY }, ["HANDLE_KEY", "KEY_ENCRYPTION_KEY"]],
      [{ PEPPER: key(3) }, ["HANDLE_KEY", "PEPPER"]],
      [{ KEY_ENCRYPTION_KEY: `2:${key(8)},1:${key(4)}` }, ["KEY_ENCRYPTION_KEY", "PEPPER"]],
      [{ ADMIN_TOKEN: key(4) }, ["ADMIN_TOKEN", "PEPPER"]],
    ] as const;
    for (const [over, names] of shared) {
      expect(refused({ ...production, ...over })).toEqual(names);
      expect(refused({ ...production, ...over, ALLOW_WEAK_SECRETS: "true" })).toEqual([]);
    }
    expect(refused({ ...development, HANDLE_KEY: example.KEY_ENCRYPTION_KEY })).toEqual([]);
  });

  test.each([
    "http://localhost:8787",
    "http://127.0.0.1:8787",
    "http://[::1]:8787",
    "https://localhost",
    "https://sign.localhost",
    "https://127.8.9.10",
    "https://[::1]",
    "https://[::ffff:7f00:1]",
    "https://0.0.0.0",
    "https://0.1.2.3",
    "https://a.sign.localhost:8443",
    "https://[::]",
    "https://[::7f00:1]",
    "https://[::ffff:7fff:ffff]",
    "https://[64:ff9b::7f00:1]",
  ])("T134 the address %s, which is of one machine", (ISSUER) => {
    expect(refused({ ...production, ISSUER })).toEqual(["ISSUER"]);
    expect(refused({ ...production, ISSUER, ALLOW_LOOPBACK_ISSUER: "true" })).toEqual([]);
    expect(refused({ ...development, ISSUER })).toEqual([]);
  });

  test.each(["http://192.168.1.5:8787", "http://[fe80::1]:8787"])(
    "O7 the address %s, whatever the leave: it is for a phone and a development server",
    (ISSUER) => {
      expect(refused({ ...development, ISSUER })).toEqual([]);
      expect(refused({ ...production, ISSUER })).toEqual(["ISSUER"]);
      expect(refused({ ...production, ISSUER, ALLOW_LOOPBACK_ISSUER: "true" })).toEqual(["ISSUER"]);
    },
  );
  test.each(["http://10.sign.example", "http://192.168.1.5/", "http://192.168.1"])(
    "O7 %s is no such address",
    (ISSUER) => {
      expect(refused({ ...development, ISSUER })).toEqual(["ISSUER"]);
    },
  );

  test.each([
    "https://10.0.0.1",
    "https://172.31.255.254:8443",
    "https://192.168.1.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://192.0.2.1",
    "https://224.0.0.1",
    "https://[fe80::1]",
    "https://[fd00::1]",
    "https://[::ffff:a00:1]",
    "https://[64:ff9b::a00:1]",
    "https://[2002:a00:1::]",
    "https://[ff02::1]",
    "https://sign",
    "https://sign.local",
    "https://sign.lan",
    "https://sign.corp.internal",
    "https://sign.home.arpa",
  ])("T209 the address %s, which the public internet cannot reach", (ISSUER) => {
    expect(refused({ ...production, ISSUER })).toEqual(["ISSUER"]);
    expect(refused({ ...production, ISSUER, ALLOW_LOOPBACK_ISSUER: "true" })).toEqual(["ISSUER"]);
    expect(refused({ ...production, ISSUER, ALLOW_PRIVATE_ISSUER: "true" })).toEqual([]);
    expect(refused({ ...development, ISSUER })).toEqual([]);
  });

  test.each(["https://localhost", "https://127.0.0.1", "https://[::1]", "http://192.168.1.5:8787"])(
    "T209 the leave for private addresses is none for %s",
    (ISSUER) => {
      expect(refused({ ...production, ISSUER, ALLOW_PRIVATE_ISSUER: "true" })).toEqual(["ISSUER"]);
    },
  );

  test.each([
    "https://localhost.",
    "https://sign.localhost.",
    "https://sign.example.",
    "https://10.0.0.1.",
    "https://127.1",
    "https://0x7f000001",
    "https://2130706433",
    "https://0177.0.0.1",
    "https://[0:0:0:0:0:0:0:1]",
    "https://[::ffff:127.0.0.1]",
  ])("T209 another spelling than tokens may carry, %s, with every leave and in development too", (ISSUER) => {
    const leaves = { ALLOW_LOOPBACK_ISSUER: "true", ALLOW_PRIVATE_ISSUER: "true" };
    expect(refused({ ...production, ...leaves, ISSUER })).toEqual(["ISSUER"]);
    expect(refused({ ...development, ISSUER })).toEqual(["ISSUER"]);
  });

  test.each([
    "https://8.8.8.8",
    "https://[2606:4700::1111]",
    "https://localhost.sign.example",
    "https://10.sign.example",
  ])("T209 the public address %s passes", (ISSUER) => expect(refused({ ...production, ISSUER })).toEqual([]));

  test("T209 the secret of the message webhook is as long as the admin token, and no other secret's text", () => {
    const long = key(1).slice(0, 32);
    const standard = `whsec_${Buffer.from(key(1), "base64url").toString("base64")}`;
    for (const DELIVERY_WEBHOOK_SECRET of [
      "sixteen-or-more!",
      "x".repeat(64),
      "ab".repeat(32),
      key(1).slice(0, 31),
      `whsec_${"A".repeat(32)}`,
    ]) {
      expect(refused({ ...production, DELIVERY_WEBHOOK_SECRET })).toEqual(["DELIVERY_WEBHOOK_SECRET"]);
      expect(refused({ ...production, DELIVERY_WEBHOOK_SECRET, ALLOW_WEAK_SECRETS: "true" })).toEqual([]);
      expect(refused({ ...development, DELIVERY_WEBHOOK_SECRET })).toEqual([]);
    }
    expect(refused({ ...production, DELIVERY_WEBHOOK_SECRET: long })).toEqual([]);
    expect(refused({ ...production, DELIVERY_WEBHOOK_SECRET: standard })).toEqual([]);
    const both = { ADMIN_TOKEN: long, DELIVERY_WEBHOOK_SECRET: long };
    expect(refused({ ...production, ...both })).toEqual(["ADMIN_TOKEN", "DELIVERY_WEBHOOK_SECRET"]);
  });

  test("T209 a provider's credential may be short, and is none of our own secrets", () => {
    for (const name of ["SMTP_PASSWORD", "RESEND_API_KEY", "TWILIO_AUTH_TOKEN"]) {
      expect(refused({ ...production, [name]: "re_x" })).toEqual([]);
      expect(refused({ ...production, [name]: key(4) })).toEqual(["PEPPER"]);
      expect(refused({ ...production, [name]: production.ADMIN_TOKEN })).toEqual(["ADMIN_TOKEN"]);
    }
    expect(refused({ ...production, SMTP_PASSWORD: "re_x", RESEND_API_KEY: "re_x" })).toEqual([]);
  });

  test("T134 no limits for addresses", () => {
    expect(refused({ ...production, IP_LIMITS: "off" })).toEqual(["IP_LIMITS"]);
    expect(refused({ ...production, IP_LIMITS: "off", ALLOW_UNLIMITED_ADDRESSES: "true" })).toEqual([]);
  });

  test("each leave is for its own risk, and never for what is published", () => {
    const weak = { PEPPER: filled(() => 0), IP_LIMITS: "off", ISSUER: "https://localhost" };
    expect(refused({ ...production, ...weak })).toEqual(["IP_LIMITS", "ISSUER", "PEPPER"]);
    expect(refused({ ...production, ...weak, ALLOW_WEAK_SECRETS: "true" })).toEqual(["IP_LIMITS", "ISSUER"]);
    const leave = {
      ALLOW_WEAK_SECRETS: "true",
      ALLOW_LOOPBACK_ISSUER: "true",
      ALLOW_UNLIMITED_ADDRESSES: "true",
    };
    expect(refused({ ...production, ...weak, ...leave })).toEqual([]);
    expect(refused({ ...production, ...leave, PEPPER: example.PEPPER })).toEqual(["PEPPER"]);
    expect(refused({ ...production, ...leave, ADMIN_TOKEN: example.ADMIN_TOKEN })).toEqual(["ADMIN_TOKEN"]);
    expect(refused({ ...production, ALLOW_WEAK_SECRETS: "yes" })).toEqual(["ALLOW_WEAK_SECRETS"]);
  });

  test("what a deployment makes for itself passes, a thousand times", () => {
    for (let round = 0; round < 1_000; round++) {
      expect(refused({ ...production, ...makeSecrets(SECRETS, () => randomBytes(32)) })).toEqual([]);
    }
  });
});
