import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { DAY } from "../../../core/time.ts";
import { identifierIdOf } from "../../../core/usecases/code-subject.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, services } from "../../../http/context.ts";

/** How long a browser is known, and by how many addresses. */
export const KNOWN_DAYS = 90;
export const KNOWN_ADDRESSES = 8;

const COOKIE = "countersign_known";
/** The day of the proof, and a MAC over it and the address: neither tells which address it is. */
const ENTRY = /^([a-z0-9]{1,6})-([A-Za-z0-9_-]{43})$/;
const BETWEEN = ".";
const DAY_SECONDS = DAY / 1_000;

const isSecure = (c: Context<AppEnv>): boolean => services(c).config.issuer.startsWith("https:");

const today = (c: Context<AppEnv>): number => Math.floor(services(c).clock.now() / DAY);

const macOf = async (c: Context<AppEnv>, day: string, identifier: ReadIdentifier): Promise<string> =>
  services(c).handles.pepper(["known_browser", day], await identifierIdOf(services(c), identifier));

/** The entries that the browser brought and that are not too old, the newest first. */
function broughtBy(c: Context<AppEnv>): readonly string[] {
  const text = isSecure(c) ? getCookie(c, COOKIE, "host") : getCookie(c, COOKIE);
  const now = today(c);
  return (text ?? "")
    .split(BETWEEN)
    .slice(0, KNOWN_ADDRESSES)
    .filter((entry) => {
      const day = Number.parseInt(ENTRY.exec(entry)?.[1] ?? "", 36);
      return day <= now && now < day + KNOWN_DAYS;
    });
}

async function isOf(c: Context<AppEnv>, entry: string, identifier: ReadIdentifier): Promise<boolean> {
  const [, day = "", mac = ""] = ENTRY.exec(entry) ?? [];
  return await services(c).secrets.equal(mac, await macOf(c, day, identifier));
}

/** Whether this browser has proven this very address before. It is no sign-in: only a lane of its own for the limits. */
export async function isKnownBrowser(c: Context<AppEnv>, identifier: ReadIdentifier): Promise<boolean> {
  const found = await Promise.all(broughtBy(c).map((entry) => isOf(c, entry, identifier)));
  return found.includes(true);
}

/** Lets this browser be known by the address that it has just proven. */
export async function rememberBrowser(c: Context<AppEnv>, identifier: ReadIdentifier): Promise<void> {
  const before = broughtBy(c);
  const isSame = await Promise.all(before.map((entry) => isOf(c, entry, identifier)));
  const day = today(c).toString(36);
  const entries = [
    `${day}-${await macOf(c, day, identifier)}`,
    ...before.filter((_, index) => !isSame[index]),
  ];
  const rules = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: KNOWN_DAYS * DAY_SECONDS } as const;
  const value = entries.slice(0, KNOWN_ADDRESSES).join(BETWEEN);
  setCookie(c, COOKIE, value, isSecure(c) ? { ...rules, secure: true, prefix: "host" } : rules);
}
