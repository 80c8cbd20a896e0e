import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { joined } from "../../../hosted/ask.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { OAuthTrouble } from "../../../pages/sign-in/ending.tsx";
import { Done } from "../../../pages/verify/ending.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import type { OAuthError } from "../errors.ts";
import type { BadAsk, Target } from "./ask.ts";

/**
 * Leads back to the client, by 303 so that a form is never sent on (RFC 9700 §4.12). `iss` is in every answer (RFC 9207 §2, T91). Behind
 * the jump is a page with a link, for apps whose scheme needs a press.
 */
async function lead(
  c: Context<AppEnv>,
  { client, redirectUri, state }: Target,
  answer: Readonly<Record<string, string>>,
): Promise<Response> {
  const { issuer } = services(c).config;
  const href = joined(redirectUri, { ...answer, ...(state === undefined ? {} : { state }), iss: issuer });
  const setting = settingFor(c, client);
  c.header("Location", href);
  return await verifyPage(
    c,
    Done({ setting, href, isRefused: "error" in answer }),
    policyFor(c, setting, { redirectUrl: redirectUri }),
    303,
  );
}

/** The code, on its way to the client (RFC 6749 §4.1.2). */
export const leadWithCode = (c: Context<AppEnv>, target: Target, code: string): Promise<Response> =>
  lead(c, target, { code });

/** An error, on its way to the client (RFC 6749 §4.1.2.1). */
export const leadWithError = (c: Context<AppEnv>, target: Target, error: OAuthError): Promise<Response> =>
  lead(c, target, { error: error.error, error_description: error.description });

/** What cannot be asked: said here unless it is sure who asks and where they may be led. */
export async function refuseAsk(c: Context<AppEnv>, bad: BadAsk): Promise<Response> {
  if (bad.kind === "back") return await leadWithError(c, bad.target, bad.error);
  return await trouble(c, bad.what);
}

const STATUS = {
  client: 400,
  redirect: 400,
  request: 400,
  form: 403,
  busy: 429,
  fault: 500,
  locked: 403,
} as const;
export type Trouble = keyof typeof STATUS;

/** What went wrong, as a page of our own. It leads nowhere. */
export async function trouble(
  c: Context<AppEnv>,
  kind: Trouble,
  status: ContentfulStatusCode = STATUS[kind],
): Promise<Response> {
  if (kind === "busy") c.header("Retry-After", "60");
  const setting = settingFor(c);
  return await verifyPage(c, OAuthTrouble({ setting, kind }), policyFor(c, setting), status);
}
