import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import type { Config } from "../core/ports/edge.ts";
import { adminBearer } from "./admin-bearer.ts";
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

const limited = limitReads(busy);

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
  routes.use("/.well-known/jwks.json", cors({ origin: "*", allowMethods: ["GET", "HEAD"] }));
  routes.get("/.well-known/jwks.json", limited, async (c) => {
    const keys = await services(c).keyring.published();
    return c.json({ keys }, 200, { "Cache-Control": `public, max-age=${JWKS_SECONDS}` });
  });
  return routes;
}
