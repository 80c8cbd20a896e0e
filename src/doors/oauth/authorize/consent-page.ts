import type { Context } from "hono";
import { brandOf } from "../../../core/client/settings.ts";
import { csrfToken, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import type { AppEnv } from "../../../http/context.ts";
import { Consent } from "../../../pages/sign-in/consent.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import { accountOf, type Session } from "../session/session.ts";
import type { Ask } from "./ask.ts";
import { markedPlace, placeOf } from "./place.ts";

export const CONSENT_PATH = "/oauth/consent";

/** Asks whether the client may have what it asks for (OpenID Connect Core §3.1.2.4). */
export async function showConsent(c: Context<AppEnv>, ask: Ask, session: Session): Promise<Response> {
  const setting = settingFor(c, ask.client);
  const { name, logo } = brandOf(ask.client);
  const body = Consent({
    setting,
    action: CONSENT_PATH,
    csrf: await csrfToken(c, ownSecret(c)),
    fields: { to: await markedPlace(c, session, placeOf(ask.parameters), "asked") },
    client: { name, ...(logo === undefined ? {} : { logo }) },
    account: accountOf(session, ask.client),
    scopes: ask.scope.split(" ").filter((value) => value !== ""),
    ...(ask.resource === undefined ? {} : { resource: ask.resource }),
    unverified: false,
  });
  return await verifyPage(c, body, policyFor(c, setting, { redirectUrl: ask.redirectUri }));
}
