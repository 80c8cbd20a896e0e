import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { type AppEnv, services } from "../http/context.ts";
import { isFromHere } from "../http/from-here.ts";

const COOKIE = "countersign_page";
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
const HOUR_SECONDS = 3_600;

const isSecure = (c: Context<AppEnv>): boolean => services(c).config.issuer.startsWith("https:");

/** The secret that this browser brought with it, if any. */
export function browserSecret(c: Context<AppEnv>): string | undefined {
  const secret = isSecure(c) ? getCookie(c, COOKIE, "host") : getCookie(c, COOKIE);
  return secret !== undefined && SECRET.test(secret) ? secret : undefined;
}

/** Secrets that were made in a request that is being answered: whoever asks again gets the same. */
const made = new WeakMap<Request, string>();

/** The secret of this browser, made and handed to it when it has none: what it starts is shown to it alone. */
export function ownSecret(c: Context<AppEnv>): string {
  const known = browserSecret(c) ?? made.get(c.req.raw);
  const secret = known ?? services(c).chance.text(SECRET_BYTES);
  made.set(c.req.raw, secret);
  const rules = { httpOnly: true, sameSite: "Lax", maxAge: HOUR_SECONDS } as const;
  // `__Host-`: a neighbour under the same domain could plant one of its own, and with it a sign-in that it has begun.
  const place = isSecure(c)
    ? ({ path: "/", secure: true, prefix: "host" } as const)
    : { path: `/${c.req.path.split("/", 2)[1] ?? ""}` };
  setCookie(c, COOKIE, secret, { ...rules, ...place });
  return secret;
}

/** A fresh secret for a frame, where browsers keep no cookies: its page holds it. */
export const framedSecret = (c: Context<AppEnv>): string => services(c).chance.text(SECRET_BYTES);

export const isSecret = (text: string): boolean => SECRET.test(text);

/** What a challenge keeps of the browser that started it. */
export const browserDigest = (c: Context<AppEnv>, secret: string): Promise<string> =>
  services(c).handles.digest(["page-browser", secret]);

/** What forms carry beside the cookie: a page of another site knows neither (OWASP, signed double submit). */
export const csrfToken = (c: Context<AppEnv>, secret: string): Promise<string> =>
  services(c).handles.pepper(["page-csrf"], secret);

/** Whether this POST comes from a page of ours that this very browser was given. */
export async function isOwnForm(c: Context<AppEnv>, csrf: string | undefined): Promise<boolean> {
  const secret = browserSecret(c);
  return isFromHere(c) && secret !== undefined && csrf === (await csrfToken(c, secret));
}
