import { createMiddleware } from "hono/factory";
import { type AppEnv, services } from "./context.ts";

const DEFAULTS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy":
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

const ONE_YEAR = "max-age=31536000";

/**
 * Headers that every answer carries unless its route has chosen its own (T93); HSTS only where the issuer is https.
 * `c.header` and not `c.res.headers`: the latter cannot be changed on an upgrade (settled question 37).
 */
export const securityHeaders = createMiddleware<AppEnv>(async function securityHeaders(c, next) {
  await next();
  const present = new Set(c.res.headers.keys());
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (!present.has(name.toLowerCase())) c.header(name, value);
  }
  if (services(c).config.issuer.startsWith("https:")) c.header("Strict-Transport-Security", ONE_YEAR);
});
