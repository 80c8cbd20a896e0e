import { createMiddleware } from "hono/factory";
import { changeHeaders } from "./answer-headers.ts";
import { type AppEnv, services } from "./context.ts";

const DEFAULTS: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  [
    "Content-Security-Policy",
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  ],
];

const ONE_YEAR = "max-age=31536000";

/**
 * What every answer carries: `X-Request-Id`, a UUID of our own that the log has too (a caller's choice is not taken), and security headers
 * unless its route has chosen its own (T93); HSTS only where the issuer is https. One layer for all: each costs every request.
 */
export const everyAnswer = createMiddleware<AppEnv>(async function everyAnswer(c, next) {
  const id = crypto.randomUUID();
  c.set("requestId", id);
  await next();
  const isSecure = services(c).config.issuer.startsWith("https:");
  changeHeaders(c, (headers) => {
    headers.set("X-Request-Id", id);
    for (const [name, value] of DEFAULTS) if (!headers.has(name)) headers.set(name, value);
    if (isSecure) headers.set("Strict-Transport-Security", ONE_YEAR);
  });
});
