import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { type AppEnv, services } from "./context.ts";

/** Where phones approve: a static page. */
export const PHONE_PAGE = "/phone";

const COOKIE = "countersign_phone";
const YEAR_SECONDS = 31_536_000;

/** Remembers that this browser is somebody's phone. It says nothing of whose, and opens nothing: links to type a code lead there. */
export function notePhone(c: Context<AppEnv>): void {
  setCookie(c, COOKIE, "1", {
    path: "/oauth/device",
    httpOnly: true,
    sameSite: "Lax",
    secure: services(c).config.issuer.startsWith("https:"),
    maxAge: YEAR_SECONDS,
  });
}

export const hasPhone = (c: Context<AppEnv>): boolean => getCookie(c, COOKIE) === "1";
