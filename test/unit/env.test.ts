import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv as parseDotenv } from "node:util";
import { describe, expect, test } from "vitest";
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
};
const key = (fill: number) => Buffer.alloc(32, fill).toString("base64url");
const development = { ...bindings, ...example, ISSUER: "http://127.0.0.1:8787" };
const production = {
  ...bindings,
  ENVIRONMENT: "production",
  ISSUER: "https://sign.example",
  KEY_ENCRYPTION_KEY: `1:${key(1)}`,
  HANDLE_KEY: `2:${key(2)},1:${key(3)}`,
  PEPPER: key(4),
  ADMIN_TOKEN: "an-admin-token-of-its-own",
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
    ["IP_LIMITS", "yes"],
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
