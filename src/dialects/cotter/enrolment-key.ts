import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { fromAllowedPage } from "./sessions.ts";

const COOKIE = "enrol";
/** As long as the window is open. */
const SECONDS = 600;
const KEY = /^[A-Za-z0-9_-]{43}$/;

/** What a key of a first-device window is kept as. */
export const keyDigest = (c: Context<AppEnv>, key: string): Promise<string> =>
  services(c).handles.digest(["first-device", key]);

/** How a call looks: a digest of address and user agent, for clients whose settings want it. */
export function ambientOf(c: Context<AppEnv>): Promise<string> {
  const { ip, userAgent } = originOf(c);
  return services(c).handles.digest(["enrolment", ip ?? "", userAgent ?? ""]);
}

/**
 * Hands the key of the first-device window to the caller in a cookie, which the SDKs that keep cookies send back by themselves. It is
 * for the routes that enrol and for nothing else.
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

/** The key that a caller brings back. A browser's counts only from a page that the client lists, so that no other page can use it. */
export async function offeredKey(c: Context<AppEnv>): Promise<{ readonly key?: string }> {
  const key = getCookie(c, COOKIE);
  const isApp = c.req.header("Origin") === undefined;
  if (key === undefined || !KEY.test(key) || !(isApp || fromAllowedPage(c))) return {};
  return { key: await keyDigest(c, key) };
}
