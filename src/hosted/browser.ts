import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Json, JsonObject } from "../core/challenge/state.ts";
import { own } from "../core/own.ts";
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
  // Of all our pages: the phone page has to know the browser that a sign-in page was shown in (T31).
  const rules = { path: "/", httpOnly: true, sameSite: "Lax", maxAge: HOUR_SECONDS } as const;
  // `__Host-`: a neighbour under the same domain could plant one of its own, and with it a sign-in that it has begun.
  setCookie(c, COOKIE, secret, isSecure(c) ? { ...rules, secure: true, prefix: "host" } : rules);
  return secret;
}

/** A fresh secret for a frame, where browsers keep no cookies: its page holds it. */
export const framedSecret = (c: Context<AppEnv>): string => services(c).chance.text(SECRET_BYTES);

export const isSecret = (text: string): boolean => SECRET.test(text);

/** What a challenge keeps of the browser that started it. */
export const browserDigest = (c: Context<AppEnv>, secret: string): Promise<string> =>
  services(c).handles.digest(["page-browser", secret]);

/** Members of a challenge's context in which the pages of a door keep that digest, as `browser`. */
const KEEPERS = ["oauth", "verification"] as const;

/**
 * Whether this request comes from the browser that began the challenge of this context (T31). False where none is kept: a challenge that a
 * backend or another device began, or a browser without cookies.
 */
export async function sharesBrowser(c: Context<AppEnv>, context: JsonObject): Promise<boolean> {
  const secret = browserSecret(c);
  const kept = KEEPERS.map((keeper) => browserIn(own(context, keeper)));
  return secret !== undefined && kept.includes(await browserDigest(c, secret));
}

const browserIn = (part: Json | undefined): Json | undefined =>
  typeof part === "object" && part !== null && !Array.isArray(part)
    ? own(part as JsonObject, "browser")
    : undefined;

/** What forms carry beside the cookie: a page of another site knows neither (OWASP, signed double submit). */
export const csrfToken = (c: Context<AppEnv>, secret: string): Promise<string> =>
  services(c).handles.pepper(["page-csrf"], secret);

/** Whether this POST comes from a page of ours that this very browser was given. */
export async function isOwnForm(c: Context<AppEnv>, csrf: string | undefined): Promise<boolean> {
  const secret = browserSecret(c);
  return isFromHere(c) && secret !== undefined && csrf === (await csrfToken(c, secret));
}
