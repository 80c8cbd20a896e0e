import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { identifierIdOf } from "../core/code/subject.ts";
import type { Realm } from "../core/ids.ts";
import { DAY, type Instant, toSeconds } from "../core/time.ts";
import type { ReadIdentifier } from "../core/user/identifier.ts";
import { type AppEnv, services } from "../http/context.ts";

/** How long a browser is known, and by how many addresses. */
export const KNOWN_DAYS = 90;
export const KNOWN_ADDRESSES = 8;

const COOKIE = "countersign_known";
/** The second of the proof, and a MAC over it and the address: neither tells which address it is. */
const ENTRY = /^([a-z0-9]{1,7})-([A-Za-z0-9_-]{43})$/;
const BETWEEN = ".";
const DAY_SECONDS = DAY / 1_000;

const isSecure = (c: Context<AppEnv>): boolean => services(c).config.issuer.startsWith("https:");

const secondOf = (entry: string): number => Number.parseInt(ENTRY.exec(entry)?.[1] ?? "", 36);

const macOf = async (c: Context<AppEnv>, second: string, identifier: ReadIdentifier): Promise<string> =>
  services(c).handles.pepper(["known_browser", second], await identifierIdOf(services(c), identifier));

/** The entries that the browser brought and that are not too old, the newest first. */
function broughtBy(c: Context<AppEnv>): readonly string[] {
  const text = isSecure(c) ? getCookie(c, COOKIE, "host") : getCookie(c, COOKIE);
  const now = toSeconds(services(c).clock.now());
  return (text ?? "")
    .split(BETWEEN)
    .slice(0, KNOWN_ADDRESSES)
    .filter((entry) => now < secondOf(entry) + KNOWN_DAYS * DAY_SECONDS);
}

async function isOf(c: Context<AppEnv>, entry: string, identifier: ReadIdentifier): Promise<boolean> {
  const [, second = "", mac = ""] = ENTRY.exec(entry) ?? [];
  return await services(c).secrets.equal(mac, await macOf(c, second, identifier));
}

/**
 * Whether this browser has proven this very address, since it is the user's who has it now: an earlier owner is a stranger there. It is
 * no sign-in, only a lane of its own for the limits. The owner is looked up for a cookie that fits and for no other.
 */
export async function isKnownBrowser(
  c: Context<AppEnv>,
  realm: Realm,
  identifier: ReadIdentifier,
): Promise<boolean> {
  const entries = broughtBy(c);
  const fits = await Promise.all(entries.map((entry) => isOf(c, entry, identifier)));
  const newest = Math.max(...entries.filter((_, index) => fits[index]).map(secondOf));
  if (!Number.isFinite(newest)) return false;
  const since = await ownedSince(c, realm, identifier);
  return since !== undefined && newest >= toSeconds(since);
}

async function ownedSince(
  c: Context<AppEnv>,
  realm: Realm,
  identifier: ReadIdentifier,
): Promise<Instant | undefined> {
  const rows = await services(c).users.holdersOf(realm, identifier);
  return rows.find(({ verifiedAt }) => verifiedAt !== undefined)?.verifiedAt;
}

/** Lets this browser be known by the address that it has just proven. */
export async function rememberBrowser(c: Context<AppEnv>, identifier: ReadIdentifier): Promise<void> {
  const before = broughtBy(c);
  const isSame = await Promise.all(before.map((entry) => isOf(c, entry, identifier)));
  const second = toSeconds(services(c).clock.now()).toString(36);
  const entries = [
    `${second}-${await macOf(c, second, identifier)}`,
    ...before.filter((_, index) => !isSame[index]),
  ];
  const rules = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: KNOWN_DAYS * DAY_SECONDS } as const;
  const value = entries.slice(0, KNOWN_ADDRESSES).join(BETWEEN);
  setCookie(c, COOKIE, value, isSecure(c) ? { ...rules, secure: true, prefix: "host" } : rules);
}
