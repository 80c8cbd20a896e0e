import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { csrfToken, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import type { AppEnv } from "../../../http/context.ts";
import { SignIn, type Way } from "../../../pages/sign-in/sign-in.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import type { Said } from "../../../pages/verify/time.tsx";
import { SIGNED_PATH } from "../passkey/paths.ts";
import { passkeyWay } from "../passkey/way.ts";
import { realmOfPhonePlace } from "../phone/place.ts";
import type { Place } from "./place.ts";
import { accountOf, type Session } from "./session.ts";

export const SIGN_IN_PATH = "/oauth/sign-in";

export type Shown = {
  /** Somebody is signed in already, and may go on or choose another account. */
  readonly session?: Session;
  readonly value?: string;
  readonly error?: Said;
  /** A passkey did not do. */
  readonly isPasskeyRefused?: boolean;
  readonly status?: ContentfulStatusCode;
};

/** The ways to show it, the one that Enter takes first. */
function waysOf({ client, place }: Place): readonly Way[] {
  // Whoever likes may be such a client, so it puts nothing before anybody's devices.
  if (client.open !== undefined) return ["code"];
  // Most who set up a phone have none yet that could answer.
  return realmOfPhonePlace(place) === undefined ? ["device", "code"] : ["code", "device"];
}

/** Asks who is there, and how they will show it. It says nothing of who is known here. */
export async function showSignIn(
  c: Context<AppEnv>,
  at: Place,
  { session, value = at.hint, error, isPasskeyRefused = false, status = 200 }: Shown,
): Promise<Response> {
  const { client, place, redirectUri } = at;
  const setting = settingFor(c, client);
  const secret = ownSecret(c);
  const passkey = await passkeyWay(c, secret, at);
  const body = SignIn({
    setting,
    action: SIGN_IN_PATH,
    csrf: await csrfToken(c, secret),
    fields: { to: place, ...(session === undefined ? {} : { session: session.grant.id }) },
    ways: waysOf(at),
    ...(passkey && {
      passkey: { ...passkey, action: `${SIGN_IN_PATH}${SIGNED_PATH}`, refused: isPasskeyRefused },
    }),
    ...(value === undefined ? {} : { value }),
    ...(error === undefined ? {} : { error }),
    ...(session === undefined ? {} : { account: { label: accountOf(session, client) } }),
  });
  const policy = policyFor(c, setting, redirectUri === undefined ? {} : { redirectUrl: redirectUri });
  return await verifyPage(c, body, policy, status);
}
