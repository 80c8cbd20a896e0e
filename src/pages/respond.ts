import type { Context } from "hono";
import type { HtmlEscapedString } from "hono/utils/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { scriptlessPolicy } from "./policy.ts";

type Page = HtmlEscapedString | Promise<HtmlEscapedString>;

/** Answers a page without script under its strict policy (T93). */
export async function page(c: Context, body: Page, status: ContentfulStatusCode = 200): Promise<Response> {
  c.header("Content-Security-Policy", await scriptlessPolicy());
  c.header("Cache-Control", "no-store");
  return c.html(body, status);
}

/** Whether the caller is a browser that would show a page rather than read JSON. */
export const wantsPage = (c: Context): boolean => (c.req.header("Accept") ?? "").includes("text/html");
