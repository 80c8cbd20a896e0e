import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { digest } from "../policy.ts";
import { STYLE } from "../style.ts";
import { type TroubleKind, VerifyTrouble } from "./ending.tsx";
import { type Setting, styleOf } from "./frame.tsx";
import { localeOf } from "./words.ts";

/** Destinations of a page inside another one (Fetch §2.2.7). */
const FRAMES: ReadonlySet<string> = new Set(["iframe", "frame", "embed", "object", "fencedframe"]);

/** Whether the browser says that it loads this inside another page; an older one says nothing. */
export const isFramed = (c: Context): boolean => FRAMES.has(c.req.header("Sec-Fetch-Dest") ?? "");

/**
 * Says inside any frame why there is nothing. It may be framed by everybody because there is nothing on it: no form, link, script, cookie or
 * word of a client's, and its policy lets it do nothing but look (T223).
 */
export async function refusedFrame(
  c: Context,
  kind: TroubleKind,
  status: ContentfulStatusCode,
): Promise<Response> {
  const locale = localeOf(c.req.header("Accept-Language"));
  const setting: Setting = { locale, brand: { name: "" }, nonce: "", framed: true, bare: true };
  const styles = await Promise.all([STYLE, styleOf(setting)].map(digest));
  const rules = [
    "default-src 'none'",
    `style-src ${styles.map((hash) => `'sha256-${hash}'`).join(" ")}`,
    ...["base-uri 'none'", "form-action 'none'", "sandbox", "frame-ancestors *"],
  ];
  c.header("Content-Security-Policy", rules.join("; "));
  c.header("Cache-Control", "no-store");
  c.header("Referrer-Policy", "no-referrer");
  return await c.html(VerifyTrouble({ setting, kind }), status);
}

/** In front of pages that stand alone: whoever frames one is shown why there is none (T93, T223). */
export const refuseFrames: MiddlewareHandler = async function refuseFrames(c, next) {
  return isFramed(c) ? await refusedFrame(c, "alone", 403) : await next();
};
