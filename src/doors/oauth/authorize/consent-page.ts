import type { Context } from "hono";
import { brandOf } from "../../../core/client/settings.ts";
import { csrfToken, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import type { AppEnv } from "../../../http/context.ts";
import { Consent, type ConsentProps } from "../../../pages/sign-in/consent.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import { accountOf, type Session } from "../session/session.ts";
import type { Ask } from "./ask.ts";
import { markedPlace, placeOf } from "./place.ts";

export const CONSENT_PATH = "/oauth/consent";

type Shown = Pick<ConsentProps, "client" | "unverified" | "returnsTo" | "onDevice">;

/**
 * Who asks. Of a client that nobody registered what counts is where it is and where it leads, in plain sight: its name is its own word, and
 * whatever program listens on this device may say that it is the one (RFC 8252 §8.6).
 */
function askerOf({ client, redirectUri }: Ask): Shown {
  const { open } = client;
  if (open === undefined) {
    const { name, logo } = brandOf(client);
    return { client: { name, ...(logo === undefined ? {} : { logo }) }, unverified: false };
  }
  const { protocol, host: target } = new URL(redirectUri);
  const returnsTo = /^https?:$/.test(protocol) ? target : protocol;
  const host = open.host ?? returnsTo;
  return {
    client: { name: open.name === "" ? host : open.name, host },
    unverified: true,
    ...(host === returnsTo ? {} : { returnsTo }),
    // Of http only this device's own addresses may be registered.
    ...(protocol === "http:" ? { onDevice: true } : {}),
  };
}

/** Asks whether the client may have what it asks for (OpenID Connect Core §3.1.2.4). */
export async function showConsent(c: Context<AppEnv>, ask: Ask, session: Session): Promise<Response> {
  const setting = settingFor(c, ask.client);
  const body = Consent({
    setting,
    action: CONSENT_PATH,
    csrf: await csrfToken(c, ownSecret(c)),
    fields: { to: await markedPlace(c, session, placeOf(ask.parameters), "asked") },
    ...askerOf(ask),
    account: accountOf(session, ask.client),
    scopes: ask.scope.split(" ").filter((value) => value !== ""),
    ...(ask.resource === undefined ? {} : { resource: ask.resource }),
  });
  return await verifyPage(c, body, policyFor(c, setting, { redirectUrl: ask.redirectUri }));
}
