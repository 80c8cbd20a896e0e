import type { Context } from "hono";
import { type AppEnv, services } from "./context.ts";

/**
 * Whether the browser says that a page of this origin asks. `Origin` cannot tell on a form: with `no-referrer` it is `null` (Fetch
 * §3.2); a browser too old for `Sec-Fetch-Site` is judged by what else it brings.
 */
export function isFromHere(c: Context<AppEnv>): boolean {
  const site = c.req.header("Sec-Fetch-Site");
  const origin = c.req.header("Origin");
  const isForeign = origin !== undefined && origin !== "null" && origin !== services(c).config.issuer;
  return !isForeign && (site === undefined || site === "same-origin");
}
