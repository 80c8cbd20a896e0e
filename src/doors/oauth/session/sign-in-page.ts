import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Client } from "../../../core/client/client.ts";
import { csrfToken, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import type { AppEnv } from "../../../http/context.ts";
import { SignIn } from "../../../pages/sign-in/sign-in.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import type { Said } from "../../../pages/verify/time.tsx";
import { accountOf, type Session } from "./session.ts";

export const SIGN_IN_PATH = "/oauth/sign-in";

/** Where a sign-in belongs to: the client that it is for, and the address of ours that goes on when it is done. */
export type Place = {
  readonly client: Client;
  readonly place: string;
  /** Where a form may lead in the end: Chromium holds redirects to `form-action` too. */
  readonly redirectUri?: string;
  /** The name that the client has for the person. */
  readonly hint?: string;
};

export type Shown = {
  /** Somebody is signed in already, and may go on or choose another account. */
  readonly session?: Session;
  readonly value?: string;
  readonly error?: Said;
  readonly status?: ContentfulStatusCode;
};

/** Asks who is there, and how they will show it. It says nothing of who is known here. */
export async function showSignIn(
  c: Context<AppEnv>,
  { client, place, redirectUri, hint }: Place,
  { session, value = hint, error, status = 200 }: Shown,
): Promise<Response> {
  const setting = settingFor(c, client);
  const body = SignIn({
    setting,
    action: SIGN_IN_PATH,
    csrf: await csrfToken(c, ownSecret(c)),
    fields: { to: place, ...(session === undefined ? {} : { session: session.grant.id }) },
    ways: ["device", "code"],
    ...(value === undefined ? {} : { value }),
    ...(error === undefined ? {} : { error }),
    ...(session === undefined ? {} : { account: { label: accountOf(session, client) } }),
  });
  const policy = policyFor(c, setting, redirectUri === undefined ? {} : { redirectUrl: redirectUri });
  return await verifyPage(c, body, policy, status);
}
