import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { Config } from "../core/ports/edge.ts";
import type { Services } from "../core/ports/services.ts";
import { adminBearer } from "./admin-bearer.ts";
import { changeHeaders } from "./answer-headers.ts";
import { type AppEnv, originOf, services } from "./context.ts";
import { noStore } from "./no-store.ts";
import { busy, limitReads } from "./read-limits.ts";

/** A verifier may keep the keys for this long; a new key is published that much before it signs (T88). */
const JWKS_SECONDS = 300;

async function isUsable(c: Context<AppEnv>, part: string, check: () => Promise<void>): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (cause) {
    services(c).log("error", "a part of the service cannot be used", { part, cause });
    return false;
  }
}

const JWKS_HEADERS = {
  "Content-Type": "application/json",
  "Cache-Control": `public, max-age=${JWKS_SECONDS}`,
};

const limited = limitReads(busy);

const preflight = cors({ origin: "*", allowMethods: ["GET", "HEAD"] });

/** On refusals too, so that a page can read them. */
const anyOrigin = createMiddleware<AppEnv>(async function anyOrigin(c, next) {
  if (c.req.method === "OPTIONS") return await preflight(c, next);
  await next();
  changeHeaders(c, (headers) => headers.set("Access-Control-Allow-Origin", "*"));
});

const texts = new WeakMap<object, string>();

/** The set as JSON, put together once for each set: verifiers ask for it all day. */
function jwksOf(keys: Awaited<ReturnType<Services["keyring"]["published"]>>): string {
  const text = texts.get(keys) ?? JSON.stringify({ keys });
  texts.set(keys, text);
  return text;
}

/**
 * What only the operator is told: which channels carry messages, and what is not configured. A wrong token changes nothing but that it
 * is counted for its address.
 */
async function detailsFor(c: Context<AppEnv>): Promise<object> {
  const { config, limits } = services(c);
  const brought = await adminBearer(c);
  if (brought === "wrong") await limits.admin(originOf(c).ip);
  if (brought !== "admin") return {};
  return {
    environment: config.environment,
    issuer: config.issuer,
    sends: config.sends,
    notes: notesOf(config),
  };
}

/** What a deployment does not do yet, in words. */
export const notesOf = ({ sends, environment }: Pick<Config, "sends" | "environment">): readonly string[] =>
  environment === "production" && sends.length === 0
    ? ["DELIVERY is not set: no code and no link is sent, so nobody can prove an address"]
    : [];

/** `GET /healthz` and `GET /.well-known/jwks.json`. */
export function statusRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/healthz", noStore, limited, async (c) => {
    const { health, keyring } = services(c);
    if (!(await isUsable(c, "database", () => health.check()))) {
      return c.json({ status: "unavailable", reason: "the database cannot be used" }, 503);
    }
    if (!(await isUsable(c, "keys", () => keyring.check()))) {
      return c.json({ status: "unavailable", reason: "the signing keys cannot be used" }, 503);
    }
    return c.json({ status: "ok", ...(await detailsFor(c)) });
  });

  // RFC 7517 §5. Public by nature: no Origin is refused.
  routes.use("/.well-known/jwks.json", anyOrigin);
  routes.get("/.well-known/jwks.json", limited, async (c) => {
    const keys = await services(c).keyring.published();
    return c.body(jwksOf(keys), 200, JWKS_HEADERS);
  });
  return routes;
}
