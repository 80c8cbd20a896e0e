import * as z from "zod";
import { isPublicHost } from "./core/client/callback-target.ts";
import { readWebhookSecret } from "./core/client/webhook-secret.ts";
import { isLong, isVaried } from "./core/keys/strength.ts";
import { isContact, readServiceAccount } from "./core/message/push-sender.ts";
import type { QueueMessage } from "./core/message/queue.ts";
import { no, ok, type Result } from "./core/result.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** Names and literals that lead to the reader's own machine, as the URL parser writes them (RFC 6761 §6.3, RFC 6890). */
const ONE_MACHINE =
  /^(?:(?:.+\.)?localhost|(?:127|0)\.[0-9.]+|\[::1?\]|\[(?:64:ff9b)?::(?:ffff:(?:0:)?)?7f..:.+\])$/;

/** A number instead of a name: a phone reaches a development server by it. */
const NUMBER = /^[\d.]+$|^\[/;

/** An origin and nothing more, without a dot at its end: tokens carry it byte by byte, so there is one way to write it. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isHere = LOOPBACK.has(url.hostname) || NUMBER.test(url.hostname);
  const isTaken = url.protocol === "https:" || (url.protocol === "http:" && isHere);
  return isTaken && text === url.origin && !url.hostname.endsWith(".");
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

/** A variable that may be left out; blank is as good as missing. */
const optional = <Form extends z.ZodType<string>>(form: Form) =>
  z
    .union([z.literal(""), form])
    .optional()
    .transform((text) => text || undefined);
const words = optional(z.string());
/** An API's address without a trailing slash. */
const baseUrl = (fallback: string) =>
  z
    .string()
    .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? "") && !/[/?#]$/.test(text))
    .default(fallback);
const perHour = (fallback: number) => z.coerce.number().int().min(0).max(1_000_000).default(fallback);
/** `host`, `host:port`, or `scheme:` of an app; several separated by commas. */
const TARGET = "(?:[a-z0-9.-]+|\\[[0-9a-f:]+\\])(?::\\d{1,5})?|[a-z][a-z0-9+.-]*:";
const TARGET_LIST = new RegExp(`^(?:${TARGET})(?: *, *(?:${TARGET}))*$`);
/** Absolute URIs without a fragment (RFC 8707 §2). */
const isUriList = (text: string): boolean =>
  text.split(",").every((uri) => URL.canParse(uri.trim()) && !uri.includes("#"));
const HOST_LIST = /^[a-z0-9.-]+(?::\d{1,5})?(?: *, *[a-z0-9.-]+(?::\d{1,5})?)*$/;
const COUNTRY_LIST = /^(?:\*|[A-Z]{2}(?: *, *[A-Z]{2})*)$/;

/** Who carries messages away, and what they need for it; `unmetByDelivery` tells what must not be missing together. */
const delivery = {
  DELIVERY: z.enum(["outbox", "none", "send"]).default("none"),
  EMAIL_BY: optional(z.enum(["cloudflare", "smtp", "resend", "webhook"])),
  SMS_BY: optional(z.enum(["twilio", "webhook"])),
  WHATSAPP_BY: optional(z.enum(["twilio", "webhook"])),
  PUSH_BY: optional(z.enum(["webhook"])),
  EMAIL: binding<SendEmail>("send").optional(),
  EMAIL_FROM: optional(z.string().regex(/^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/)),
  SMTP_HOST: words,
  SMTP_PORT: z.coerce.number().int().min(1).max(65_535).default(587),
  SMTP_SECURITY: z.enum(["starttls", "tls", "none"]).default("starttls"),
  SMTP_USERNAME: words,
  SMTP_PASSWORD: words,
  RESEND_API_KEY: words,
  RESEND_URL: baseUrl("https://api.resend.com"),
  TWILIO_ACCOUNT_SID: optional(z.string().regex(/^AC[0-9a-fA-F]{32}$/)),
  TWILIO_API_KEY: optional(z.string().regex(/^SK[0-9a-fA-F]{32}$/)),
  TWILIO_AUTH_TOKEN: words,
  TWILIO_FROM: words,
  TWILIO_WHATSAPP_FROM: words,
  TWILIO_WHATSAPP_TEMPLATE: optional(z.string().regex(/^HX[0-9a-fA-F]{32}$/)),
  TWILIO_URL: baseUrl("https://api.twilio.com"),
  DELIVERY_WEBHOOK_URL: optional(z.string().refine((text) => URL.canParse(text))),
  DELIVERY_WEBHOOK_SECRET: optional(
    z
      .string()
      .min(16)
      .refine((text) => readWebhookSecret(text) !== undefined),
  ),
  SMS_COUNTRIES: optional(z.string().regex(COUNTRY_LIST)),
  SMS_PER_RANGE: perHour(30),
  SMS_PER_COUNTRY: perHour(1_000),
  // Who wakes devices that answer: Web Push, and FCM for native apps.
  PUSH_CONTACT: optional(z.string().refine(isContact)),
  PUSH_HOSTS: optional(z.string().regex(HOST_LIST)),
  FCM_SERVICE_ACCOUNT: optional(z.string().refine((text) => readServiceAccount(text) !== undefined)),
  FCM_URL: baseUrl("https://fcm.googleapis.com"),
  FCM_TOKEN_URL: baseUrl("https://oauth2.googleapis.com"),
};

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
  LIMIT_READ: limiter,
  // Without it the Worker serves as ever, but for the demo of development.
  ASSETS: binding<Fetcher>("fetch").optional(),
  ENVIRONMENT: z.enum(["development", "production"]),
  ISSUER: z.string().refine(isIssuer),
  KEY_ENCRYPTION_KEY: versionedKeys,
  HANDLE_KEY: versionedKeys,
  PEPPER: pepper,
  // Blank is as good as missing: the admin routes answer 503. A header carries nothing else than these (RFC 6750 §2.1).
  ADMIN_TOKEN: optional(z.string().regex(/^[\x21-\x7e]+$/)),
  IP_LIMITS: z.enum(["on", "off"]).default("on"),
  // How the pages of the deployment itself name it, such as the phone page's sign-in.
  SERVICE_NAME: optional(
    z
      .string()
      .max(60)
      .regex(/^[^\p{C}<>]+$/u),
  ),
  ...delivery,
  ALLOW_PRIVATE_CALLBACKS: switched,
  ALLOW_WEAK_SECRETS: switched,
  ALLOW_LOOPBACK_ISSUER: switched,
  ALLOW_PRIVATE_ISSUER: switched,
  ALLOW_UNLIMITED_ADDRESSES: switched,
  // Blank is as good as missing: rows are kept for ever.
  AUDIT_DAYS: optional(z.string().regex(/^[1-9]\d{0,4}$/)),
  // Blank is as good as missing: whoever asks has to be a client that the operator has registered.
  OPEN_CLIENT_HOSTS: optional(z.string().regex(TARGET_LIST)),
  OPEN_CLIENT_REALM: z
    .string()
    .regex(/^[A-Za-z0-9_.~-]{1,128}$/)
    .default("main"),
  OPEN_CLIENT_RESOURCES: optional(z.string().refine(isUriList)),
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

/** What each way of carrying needs beside its choice. */
const NEEDS: Readonly<Record<string, readonly (keyof Env)[]>> = {
  "EMAIL_BY cloudflare": ["EMAIL", "EMAIL_FROM"],
  "EMAIL_BY smtp": ["SMTP_HOST", "EMAIL_FROM"],
  "EMAIL_BY resend": ["RESEND_API_KEY", "EMAIL_FROM"],
  "SMS_BY twilio": ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"],
  "WHATSAPP_BY twilio": ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_WHATSAPP_FROM"],
};
const WEBHOOK: readonly (keyof Env)[] = ["DELIVERY_WEBHOOK_URL", "DELIVERY_WEBHOOK_SECRET"];

/** Variables that the chosen carriers miss. Texts go to listed countries only: without a list none is sent (T71). */
function unmetByDelivery(env: Env): string[] {
  if (env.DELIVERY !== "send") return [];
  const chosen = (["EMAIL_BY", "SMS_BY", "WHATSAPP_BY", "PUSH_BY"] as const).filter((name) => env[name]);
  if (chosen.length === 0) return ["EMAIL_BY"];
  const texts = env.SMS_BY !== undefined || env.WHATSAPP_BY !== undefined;
  const needed = chosen.flatMap((name) =>
    env[name] === "webhook" ? WEBHOOK : (NEEDS[`${name} ${env[name]}`] ?? []),
  );
  const missing = [...needed, ...(texts ? (["SMS_COUNTRIES"] as const) : [])].filter(
    (name) => env[name] === undefined,
  );
  const lonely = (env.SMTP_USERNAME === undefined) !== (env.SMTP_PASSWORD === undefined);
  if (env.EMAIL_BY === "smtp" && lonely) missing.push("SMTP_USERNAME", "SMTP_PASSWORD");
  return [...new Set(missing)];
}

const isHttp = (text: string | undefined): boolean => text !== undefined && !text.startsWith("https:");
/** Over a network without encryption: whoever listens there has every code and token. */
const isOverheard = (issuer: string): boolean => isHttp(issuer) && !LOOPBACK.has(new URL(issuer).hostname);

/** Variables whose values are for development only. */
function unfitForProduction(env: Env): string[] {
  const published = (text: string) => DEVELOPMENT_KEYS.some((key) => text.includes(key));
  const checks: Readonly<Partial<Record<keyof Env, boolean>>> = {
    KEY_ENCRYPTION_KEY: published(env.KEY_ENCRYPTION_KEY),
    HANDLE_KEY: published(env.HANDLE_KEY),
    PEPPER: published(env.PEPPER),
    ADMIN_TOKEN: env.ADMIN_TOKEN === DEVELOPMENT_ADMIN_TOKEN,
    ISSUER: isOverheard(env.ISSUER),
    DELIVERY: env.DELIVERY === "outbox",
    ALLOW_PRIVATE_CALLBACKS: env.ALLOW_PRIVATE_CALLBACKS === "true",
    SMTP_SECURITY: env.SMTP_SECURITY === "none",
    RESEND_URL: isHttp(env.RESEND_URL),
    TWILIO_URL: isHttp(env.TWILIO_URL),
    FCM_URL: isHttp(env.FCM_URL),
    FCM_TOKEN_URL: isHttp(env.FCM_TOKEN_URL),
    DELIVERY_WEBHOOK_URL: isHttp(env.DELIVERY_WEBHOOK_URL),
  };
  return Object.entries(checks).flatMap(([name, unfit]) => (unfit ? [name] : []));
}

type SecretName = "KEY_ENCRYPTION_KEY" | "HANDLE_KEY" | "PEPPER" | "ADMIN_TOKEN" | "DELIVERY_WEBHOOK_SECRET";
/** Secrets that are any text, and not 32 bytes. */
const TEXTS: ReadonlySet<SecretName> = new Set(["ADMIN_TOKEN", "DELIVERY_WEBHOOK_SECRET"]);
/** What providers have made up: as long as they like, but no text of a secret of our own. */
const THEIRS = ["SMTP_PASSWORD", "RESEND_API_KEY", "TWILIO_AUTH_TOKEN"] as const;

/** The texts of each secret, without their versions. */
const textsOf = (env: Env): readonly (readonly [SecretName, readonly string[]])[] => {
  const keys = (text: string) => text.split(",").map((entry) => entry.slice(entry.indexOf(":") + 1));
  return [
    ["KEY_ENCRYPTION_KEY", keys(env.KEY_ENCRYPTION_KEY)],
    ["HANDLE_KEY", keys(env.HANDLE_KEY)],
    ["PEPPER", [env.PEPPER]],
    ["ADMIN_TOKEN", env.ADMIN_TOKEN === undefined ? [] : [env.ADMIN_TOKEN]],
    [
      "DELIVERY_WEBHOOK_SECRET",
      env.DELIVERY_WEBHOOK_SECRET === undefined ? [] : [env.DELIVERY_WEBHOOK_SECRET],
    ],
  ];
};

/** Secrets that can be guessed, and those that share a text: who learns one would have the other. */
function weakSecrets(env: Env): string[] {
  const secrets = textsOf(env);
  const given = THEIRS.flatMap((name) => env[name] ?? []);
  return secrets.flatMap(([name, texts]) => {
    const others = new Set(secrets.flatMap(([other, theirs]) => (other === name ? given : theirs)));
    const isStrong = TEXTS.has(name) ? isLong : isVaried;
    return texts.every((text) => isStrong(text) && !others.has(text)) ? [] : [name];
  });
}

/** What a deployment may only have that says so, by a variable named after the risk. */
function riskyInProduction(env: Env): string[] {
  const { hostname } = new URL(env.ISSUER);
  const isLoopback = isHttp(env.ISSUER) || ONE_MACHINE.test(hostname);
  const isPrivate = !isLoopback && !isPublicHost(hostname);
  return [
    ...(env.ALLOW_WEAK_SECRETS === "true" ? [] : weakSecrets(env)),
    ...(isLoopback && env.ALLOW_LOOPBACK_ISSUER !== "true" ? ["ISSUER"] : []),
    ...(isPrivate && env.ALLOW_PRIVATE_ISSUER !== "true" ? ["ISSUER"] : []),
    ...(env.IP_LIMITS === "off" && env.ALLOW_UNLIMITED_ADDRESSES !== "true" ? ["IP_LIMITS"] : []),
  ];
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
  const isProduction = parsed.data.ENVIRONMENT === "production";
  const unfit = isProduction ? [...unfitForProduction(parsed.data), ...riskyInProduction(parsed.data)] : [];
  const names = new Set([...unfit, ...unmetByDelivery(parsed.data)]);
  return names.size > 0 ? no([...names].sort()) : ok(parsed.data);
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
