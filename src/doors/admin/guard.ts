import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { adminBearer } from "../../http/admin-bearer.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { retryAfterMinute } from "../../http/ip-limits.ts";
import { problem } from "../../http/problem.ts";

/**
 * Lets nobody in but the bearer of ADMIN_TOKEN (RFC 6750 §2.1). A deployment without one answers 503 on every route: it never
 * runs open (T104). Calls without it are counted for their address, so that nobody uses up the operator's.
 */
export const adminOnly = createMiddleware<AppEnv>(async function adminOnly(c, next) {
  const { clock, config, limits } = services(c);
  if (!config.adminToken) {
    return problem(c, 503, { detail: "The admin API is off: this deployment has no ADMIN_TOKEN." });
  }
  const brought = await adminBearer(c);
  if (brought === "admin") return await next();
  if (!(await limits.admin(originOf(c).ip))) {
    const headers = { "Retry-After": String(retryAfterMinute(clock.now())) };
    return problem(c, 429, { detail: "Too many requests from this address.", headers });
  }
  return unauthorized(
    c,
    brought === "none" ? 'Bearer realm="admin"' : 'Bearer realm="admin", error="invalid_token"',
  );
});

const unauthorized = (c: Context, challenge: string): Response =>
  problem(c, 401, {
    detail: "The admin token is needed as a bearer token.",
    headers: { "WWW-Authenticate": challenge },
  });
