import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Client } from "../core/client/client.ts";
import { brandOf } from "../core/client/settings.ts";
import { type AppEnv, services, zoneOf } from "../http/context.ts";
import { type TroubleKind, VerifyTrouble } from "../pages/verify/ending.tsx";
import type { Setting } from "../pages/verify/frame.tsx";
import { isFramed, refusedFrame } from "../pages/verify/refused.tsx";
import { type Policy, verifyPage } from "../pages/verify/respond.ts";
import { localeOf } from "../pages/verify/words.ts";

const NONCE_BYTES = 16;

/** How this answer's page looks: in the reader's language, under the name of the client that is known to ask, with a nonce of its own. */
export function settingFor(
  c: Context<AppEnv>,
  client: Client | undefined = c.get("client") as Client | undefined,
): Setting {
  return {
    locale: localeOf(c.req.header("Accept-Language")),
    ...zoneOf(c),
    brand: client ? brandOf(client) : { name: "" },
    nonce: services(c).chance.text(NONCE_BYTES),
  };
}

/** The policy of a page with this look. */
export const policyFor = (
  c: Context<AppEnv>,
  setting: Setting,
  parts: Pick<Policy, "redirectUrl" | "ancestor"> = {},
): Policy => ({
  nonce: setting.nonce,
  issuer: services(c).config.issuer,
  ...(setting.brand.logo === undefined ? {} : { logo: setting.brand.logo }),
  ...parts,
});

const STATUS: Readonly<Record<TroubleKind, ContentfulStatusCode>> = {
  request: 400,
  client: 400,
  redirect: 400,
  browser: 403,
  expired: 410,
  stopped: 410,
  guesses: 410,
  link: 410,
  locked: 403,
  uncarried: 503,
  fault: 500,
  framed: 403,
  alone: 403,
  busy: 429,
};

/** The page that was asked for, or that a form of it was sent from. */
function retryAt(c: Context<AppEnv>): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname.replace(/\/again$/, "") + search;
}

/** What went wrong, as a page of our own. It never redirects (T82); `restart` and `back` are given only where they are good. */
export function trouble(
  c: Context<AppEnv>,
  kind: TroubleKind,
  options: {
    readonly client?: Client;
    readonly restart?: string;
    readonly back?: string;
    readonly status?: ContentfulStatusCode;
  } = {},
): Promise<Response> {
  const { client, restart, back, status = STATUS[kind] } = options;
  if (kind === "busy") c.header("Retry-After", "60");
  if (isFramed(c)) return refusedFrame(c, kind, status);
  const setting = settingFor(c, client);
  const body = VerifyTrouble({
    setting,
    kind,
    ...(restart === undefined ? {} : { restart }),
    ...(back === undefined ? {} : { back }),
    ...(kind === "busy" || kind === "fault" ? { retry: retryAt(c) } : {}),
  });
  return verifyPage(c, body, policyFor(c, setting), status);
}
