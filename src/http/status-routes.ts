import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { type AppEnv, services } from "./context.ts";
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

/** `GET /healthz` and `GET /.well-known/jwks.json` (contract). */
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
    return c.json({ status: "ok" });
  });

  // RFC 7517 §5. Public by nature: no Origin is refused.
  routes.use("/.well-known/jwks.json", cors({ origin: "*", allowMethods: ["GET", "HEAD"] }));
  routes.get("/.well-known/jwks.json", limited, async (c) => {
    const keys = await services(c).keyring.published();
    return c.json({ keys }, 200, { "Cache-Control": `public, max-age=${JWKS_SECONDS}` });
  });
  return routes;
}
