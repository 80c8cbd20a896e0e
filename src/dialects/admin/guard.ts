import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { retryAfterMinute } from "../../http/ip-limits.ts";
import { problem } from "../../http/problem.ts";

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Lets nobody in but the bearer of ADMIN_TOKEN (RFC 6750 §2.1). A deployment without one answers 503 on every route: it never
 * runs open (T104). Calls without it are counted for their address, so that nobody uses up the operator's.
 */
export const adminOnly = createMiddleware<AppEnv>(async function adminOnly(c, next) {
  const { clock, config, limits, secrets } = services(c);
  if (!config.adminToken) {
    return problem(c, 503, { detail: "The admin API is off: this deployment has no ADMIN_TOKEN." });
  }
  const token = bearerOf(c);
  if (token !== undefined && (await secrets.equal(token, config.adminToken))) return await next();
  if (!(await limits.admin(originOf(c).ip))) {
    const headers = { "Retry-After": String(retryAfterMinute(clock.now())) };
    return problem(c, 429, { detail: "Too many requests from this address.", headers });
  }
  return unauthorized(
    c,
    token === undefined ? 'Bearer realm="admin"' : 'Bearer realm="admin", error="invalid_token"',
  );
});

const bearerOf = (c: Context): string | undefined => BEARER.exec(c.req.header("Authorization") ?? "")?.[1];

const unauthorized = (c: Context, challenge: string): Response =>
  problem(c, 401, {
    detail: "The admin token is needed as a bearer token.",
    headers: { "WWW-Authenticate": challenge },
  });
