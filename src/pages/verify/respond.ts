import type { Context } from "hono";
import type { HtmlEscapedString } from "hono/utils/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { digest } from "../policy.ts";
import { STYLE } from "../style.ts";

export type Policy = {
  readonly nonce: string;
  /** Where the redirect behind a form of this page may lead: Chromium holds it to `form-action` too. */
  readonly redirectUrl?: string;
  /** The client's picture. */
  readonly logo?: string;
  /** This service, for waiting. */
  readonly issuer: string;
  /** Origin of the one page that may frame this one. */
  readonly ancestor?: string;
};

/** A source that covers a redirect address: the origin of a web page, the scheme of an app (CSP Level 3 §2.3.1). */
function sourceOf(url: string): string {
  const { protocol, origin, hostname } = new URL(url);
  // A bracketed address is no host-source.
  return (protocol === "https:" || protocol === "http:") && !hostname.startsWith("[") ? origin : protocol;
}

/** The policy of a verification page: its own nonce, its own service, one way out and at most one page around it (T93). */
export async function verifyPolicy(policy: Policy): Promise<string> {
  const { nonce, redirectUrl, logo, issuer, ancestor } = policy;
  const picture = logo === undefined ? "" : ` ${new URL(logo).origin}`;
  const way = redirectUrl === undefined ? "" : ` ${sourceOf(redirectUrl)}`;
  return [
    "default-src 'none'",
    `style-src 'sha256-${await digest(STYLE)}' 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    `img-src 'self'${picture}`,
    `connect-src 'self' ${issuer.replace(/^http/, "ws")}`,
    "base-uri 'none'",
    `form-action 'self'${way}`,
    `frame-ancestors ${ancestor ?? "'none'"}`,
  ].join("; ");
}

/** Answers a verification page under its policy. */
export async function verifyPage(
  c: Context,
  body: HtmlEscapedString | Promise<HtmlEscapedString>,
  policy: Policy,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  c.header("Content-Security-Policy", await verifyPolicy(policy));
  c.header("Cache-Control", "no-store");
  c.header("Referrer-Policy", "no-referrer");
  return c.html(body, status);
}
