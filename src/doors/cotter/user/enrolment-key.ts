import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { parseUserId, type UserId } from "../../../core/ids.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { fromAllowedPage } from "../sessions.ts";

const COOKIE = "enrol";
/** As long as the window is open. */
const SECONDS = 600;
const KEY = /^[A-Za-z0-9_-]{43}$/;

/** What a key of a first-device window is kept as: it opens it for the client that it was handed out by, and for no other. */
export const keyDigest = (c: Context<AppEnv>, key: string): Promise<string> =>
  services(c).handles.digest(["first-device", c.get("client").id, key]);

/** How a call looks: a digest of address and user agent, for clients whose settings want it. */
export function ambientOf(c: Context<AppEnv>): Promise<string> {
  const { ip, userAgent } = originOf(c);
  return services(c).handles.digest(["enrolment", c.get("client").id, ip ?? "", userAgent ?? ""]);
}

/**
 * Hands what opens the first-device window to the caller in a cookie, which the SDKs that keep cookies send back by themselves: the key that
 * a proof brought, or the id of a sign-up. It is for the routes that enrol and for nothing else.
 */
export function handOver(c: Context<AppEnv>, key: string): void {
  const rules = {
    httpOnly: true,
    secure: true,
    sameSite: "None",
    path: "/api/v0/user",
    maxAge: SECONDS,
  } as const;
  setCookie(c, COOKIE, key, rules);
}

/** What a caller brings back. A browser's counts only from a page that the client lists, so that no other page can use it. */
function broughtBack(c: Context<AppEnv>): string | undefined {
  const isApp = c.req.header("Origin") === undefined;
  return isApp || fromAllowedPage(c) ? getCookie(c, COOKIE) : undefined;
}

export async function offeredKey(c: Context<AppEnv>): Promise<{ readonly key?: string }> {
  const key = broughtBack(c);
  return key !== undefined && KEY.test(key) ? { key: await keyDigest(c, key) } : {};
}

/** The id of the sign-up that this caller has begun: for SDKs that enrol by the app's own name for the user. */
export const offeredSignUp = (c: Context<AppEnv>): UserId | undefined => parseUserId(broughtBack(c) ?? "");
