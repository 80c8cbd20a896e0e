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

/** Headers that every answer carries unless its route has chosen its own (T93); HSTS only where the issuer is https. */
export const securityHeaders = createMiddleware<AppEnv>(async function securityHeaders(c, next) {
  await next();
  const isSecure = services(c).config.issuer.startsWith("https:");
  changeHeaders(c, (headers) => {
    for (const [name, value] of DEFAULTS) if (!headers.has(name)) headers.set(name, value);
    if (isSecure) headers.set("Strict-Transport-Security", ONE_YEAR);
  });
});
