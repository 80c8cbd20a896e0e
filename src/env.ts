import * as z from "zod";
import type { QueueMessage } from "./core/messages.ts";
import { no, ok, type Result } from "./core/result.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** An origin and nothing more: tokens carry it byte by byte, so there is one way to write it. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const secure = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
  return secure && text === url.origin;
}

const binding = <T extends object>(...methods: readonly (keyof T & string)[]) =>
  z.custom<T>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((method) => typeof Reflect.get(value, method) === "function"),
  );

const limiter = binding<RateLimit>("limit");
const switched = z.enum(["true", "false"]).default("false");
/** 32 bytes in canonical base64url: the last of 43 digits carries four bits. */
const KEY = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]";
const VERSIONED = `[1-9]\\d{0,8}:${KEY}`;
const pepper = z.string().regex(new RegExp(`^${KEY}$`));
/** `<version>:<key>`, several separated by commas, no version twice. */
const versionedKeys = z
  .string()
  .regex(new RegExp(`^${VERSIONED}(?:,${VERSIONED})*$`))
  .refine((text) => {
    const versions = text.split(",").map((entry) => entry.slice(0, entry.indexOf(":")));
    return new Set(versions).size === versions.length;
  });

const schema = z.object({
  DB: binding<D1Database>("prepare", "batch"),
  CHALLENGES: binding<DurableObjectNamespace>("get", "idFromName"),
  INBOXES: binding<DurableObjectNamespace>("get", "idFromName"),
  EVENTS: binding<Queue<QueueMessage>>("send"),
  LIMIT_START: limiter,
  LIMIT_WAIT: limiter,
  LIMIT_MISS: limiter,
  LIMIT_ADMIN: limiter,
  LIMIT_SEND: limiter,
  ENVIRONMENT: z.enum(["development", "production"]),
  ISSUER: z.string().refine(isIssuer),
  KEY_ENCRYPTION_KEY: versionedKeys,
  HANDLE_KEY: versionedKeys,
  PEPPER: pepper,
  // Blank is as good as missing: the admin routes answer 503.
  ADMIN_TOKEN: z
    .string()
    .optional()
    .transform((text) => text || undefined),
  IP_LIMITS: z.enum(["on", "off"]).default("on"),
  DELIVERY: z.enum(["outbox", "none"]).default("none"),
  ALLOW_PRIVATE_CALLBACKS: switched,
  JURISDICTION: z.enum(["eu", "fedramp"]).optional(),
});

/** Bindings and variables as they were checked. */
export type Env = z.output<typeof schema>;

// The values of .dev.vars.example are published: a deployment with one of them would be open to everybody.
const DEVELOPMENT_ADMIN_TOKEN = "dev-admin-token";
const DEVELOPMENT_KEYS = [
  "ejVW7mlg7t4w8z6AMruwd1R5QKEU8qTvnS1Sei4urYA",
  "hryY5BI-y-2eHzO7cRIz06EX4Y6kSSEyXiH2swcUghk",
  "aMnHBG6ZDPOyuP_vVq563JdA7yg6c9gUIOrFDHlDiek",
] as const;

/** Variables whose values are for development only. */
function unfitForProduction(env: Env): string[] {
  const published = (text: string) => DEVELOPMENT_KEYS.some((key) => text.includes(key));
  const checks: Readonly<Partial<Record<keyof Env, boolean>>> = {
    KEY_ENCRYPTION_KEY: published(env.KEY_ENCRYPTION_KEY),
    HANDLE_KEY: published(env.HANDLE_KEY),
    PEPPER: published(env.PEPPER),
    ADMIN_TOKEN: env.ADMIN_TOKEN === DEVELOPMENT_ADMIN_TOKEN,
    DELIVERY: env.DELIVERY === "outbox",
    ALLOW_PRIVATE_CALLBACKS: env.ALLOW_PRIVATE_CALLBACKS === "true",
  };
  return Object.entries(checks).flatMap(([name, unfit]) => (unfit ? [name] : []));
}

/**
 * Checks bindings and variables. Refuses with the names of what is missing or bad, never a value: a Worker without its secrets
 * does not serve (T104).
 */
export function parseEnv(raw: object): Result<Env, readonly string[]> {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const names = parsed.error.issues.map(({ path }) => String(path[0] ?? "?"));
    return no([...new Set(names)].sort());
  }
  const unfit = parsed.data.ENVIRONMENT === "production" ? unfitForProduction(parsed.data) : [];
  return unfit.length > 0 ? no(unfit.sort()) : ok(parsed.data);
}

const known = new WeakMap<object, Result<Env, readonly string[]>>();

/** `parseEnv`, once per isolate: the platform hands the same object to every call. */
export function readEnv(raw: object): Result<Env, readonly string[]> {
  const before = known.get(raw);
  if (before) return before;
  const now = parseEnv(raw);
  known.set(raw, now);
  return now;
}
