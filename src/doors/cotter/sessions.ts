import { type Context, Hono, type MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type * as z from "zod";
import { refreshRotation } from "../../core/client/settings.ts";
import { refreshGrant, revokeRefreshToken } from "../../core/grant/refresh.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { type JsonInput, jsonBody } from "../../http/json-body.ts";
import { validating } from "../../http/validates.ts";
import { refuse } from "./errors.ts";
import { refreshBody } from "./schema.ts";
import { type Bundle, refreshedBundle } from "./tokens.ts";

type RefreshBody = z.output<typeof refreshBody>;

/** Each client has its own: one cookie for all would hand one client's token to another, and that ends the grant. */
const cookieName = (c: Context<AppEnv>): string => `rft.${c.get("client").id}`;
const COOKIE_PATH = "/api/v0/token";

/** Rows 14 and 15 of Cotter §3.1: refreshing, and signing out. */
export function sessionRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const refresh = jsonBody(refreshBody, refuse);
  routes.post("/", refresh, (c) => rotate(c, c.req.valid("json")));
  routes.post("/custom", (c) =>
    refuse(c, { code: "not_allowed", detail: "Custom claims are not offered by this server" }),
  );
  routes.post("/:api_key_id", refresh, (c) => rotate(c, c.req.valid("json")));
  routes.delete("/:api_key_id", bodyOrNone, (c) => signOut(c, c.req.valid("json")));
  return routes;
}

/** WEB signs out without a body; an app may send its refresh token. */
const readOrNone: MiddlewareHandler<AppEnv, string, JsonInput<typeof refreshBody>> = async (c, next) => {
  const bare = c.req.raw.body === null || c.req.header("Content-Length") === "0";
  if (!bare) return await jsonBody(refreshBody, refuse)(c, next);
  c.req.addValidatedData("json", {});
  return await next();
};
const bodyOrNone = validating(readOrNone, { part: "json", schema: refreshBody, optional: true });

async function rotate(c: Context<AppEnv>, body: RefreshBody): Promise<Response> {
  const { grant_type, refresh_token } = body;
  if (grant_type !== undefined && grant_type !== "refresh_token") {
    return refuse(c, { code: "malformed", detail: "grant_type: only refresh_token is offered" });
  }
  const token = refresh_token ?? cookieToken(c);
  if (!token) return refuse(c, { code: "bad_refresh_token" });
  const refreshed = await refreshGrant(services(c), c.get("client"), token, {
    lane: "cotter",
    isOurs: ({ door }) => door === "cotter" || door === "page",
    rotation: refreshRotation(c.get("client").settings),
    ip: originOf(c).ip,
  });
  if (!refreshed.ok) return refuse(c, refreshed.error);
  const bundle = await refreshedBundle(services(c), c.get("client"), refreshed.value);
  keepCookie(c, bundle);
  return c.json(bundle);
}

/**
 * A success whatever token is named: an unknown one, or another client's, has nothing to end here (RFC 7009 §2.2). The body's
 * token goes before the cookie's, and only a page of the client has its cookie taken away.
 */
async function signOut(c: Context<AppEnv>, body: RefreshBody): Promise<Response> {
  const token = body.refresh_token ?? cookieToken(c);
  if (token) await revokeRefreshToken(services(c), c.get("client"), token, originOf(c).ip);
  if (fromAllowedPage(c)) setCookie(c, cookieName(c), "", { ...COOKIE_RULES, maxAge: 0 });
  return c.json({ success: true });
}

const COOKIE_RULES = { httpOnly: true, secure: true, sameSite: "None", path: COOKIE_PATH } as const;

/** The cookie counts only for a page whose origin the client names: with `*` any page could use it (§10.15, T92). */
export const fromAllowedPage = (c: Context<AppEnv>): boolean => {
  const origin = c.req.header("Origin");
  return origin !== undefined && origin !== "*" && c.get("client").allowedOrigins.includes(origin);
};

const cookieToken = (c: Context<AppEnv>): string | undefined =>
  fromAllowedPage(c) ? getCookie(c, cookieName(c)) : undefined;

/** Browsers that hold the cookie are handed the next one; apps get it in the body alone. */
function keepCookie(c: Context<AppEnv>, bundle: Bundle): void {
  if (!fromAllowedPage(c)) return;
  const days = c.get("client").settings.refresh_token_days ?? 30;
  setCookie(c, cookieName(c), bundle.refresh_token, { ...COOKIE_RULES, maxAge: days * 86_400 });
}
