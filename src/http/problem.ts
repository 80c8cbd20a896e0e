import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

const TITLES: Readonly<Partial<Record<number, string>>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export type ProblemParts = {
  /** A sentence for the caller's developer; never a secret, never what an exception said. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members (RFC 9457 §3.2). */
  readonly extra?: Readonly<Record<string, unknown>>;
};

/** An `application/problem+json` answer (RFC 9457); `type` is `about:blank`, so `title` is the status's own phrase. */
export function problem(c: Context, status: ContentfulStatusCode, parts: ProblemParts = {}): Response {
  const { detail, headers, extra } = parts;
  const body = { type: "about:blank", title: TITLES[status] ?? "Error", status, ...(detail && { detail }) };
  return c.body(JSON.stringify({ ...body, ...extra }), status, {
    ...headers,
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
  });
}
