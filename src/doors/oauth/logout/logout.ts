import type { Context } from "hono";
import { joined } from "../../../hosted/ask.ts";
import { csrfToken, isOwnForm, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import type { AppEnv } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { Ended } from "../../../pages/sign-in/ending.tsx";
import { SignOut } from "../../../pages/sign-in/sign-out.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import { fromQuery } from "../authorize/ask-of-place.ts";
import { trouble } from "../authorize/back.ts";
import { ENDPOINTS } from "../endpoints.ts";
import { given } from "../form.ts";
import { accountOf, type Session, sessionOf, usedSession } from "../session/session.ts";
import { sessionsPath } from "../session/sessions.ts";
import { signOut } from "../session/sign-out.ts";
import { type LogoutAsk, readLogoutAsk } from "./ask.ts";

/** Where the page that asks is answered, below the endpoint. */
export const ANSWER = "/answer";

const PARAMETERS = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"] as const;

/**
 * `GET /oauth/logout`: a client signs its user out here (OpenID Connect RP-Initiated Logout 1.0). With an ID token of whoever is signed in
 * it is done at once. Everybody else is asked: any page may lead a browser here (T93).
 */
export async function logout(c: Context<AppEnv>): Promise<Response> {
  const { parameters, repeated } = fromQuery(new URL(c.req.url).searchParams);
  const ask = await readLogoutAsk(c, parameters, repeated);
  if (ask instanceof Response) return ask;
  const session = await sessionOf(c, ask.realm);
  if (!session) return await leave(c, ask);
  if (ask.userId === session.grant.userId) {
    await signOut(c, session);
    return await leave(c, ask);
  }
  // Whoever is shown a name has to be there now: a stolen cookie ends its session here as everywhere (T84).
  const used = await usedSession(c, ask.realm);
  return used ? await showSignOut(c, ask, used) : await leave(c, ask);
}

/**
 * `POST /oauth/logout`: the same, from a form of the client. A browser sends no cookie along with a form of another site, so it is sent here
 * once more with what the form said.
 */
export async function logoutByForm(c: Context<AppEnv>): Promise<Response> {
  const fields = await readForm(c);
  if (!fields) return await trouble(c, "request");
  const asked = given(fields);
  const pairs = PARAMETERS.flatMap((name) => {
    const value = asked[name];
    return value === undefined ? [] : [[name, value]];
  });
  return c.redirect(`${ENDPOINTS.end_session_endpoint}?${new URLSearchParams(pairs)}`, 303);
}

async function showSignOut(c: Context<AppEnv>, ask: LogoutAsk, session: Session): Promise<Response> {
  const { client, redirectUri, state } = ask;
  const setting = settingFor(c, client);
  const body = SignOut({
    setting,
    action: `${ENDPOINTS.end_session_endpoint}${ANSWER}`,
    csrf: await csrfToken(c, ownSecret(c)),
    fields: {
      session: session.grant.id,
      ...(client === undefined ? {} : { client_id: client.id }),
      ...(redirectUri === undefined ? {} : { post_logout_redirect_uri: redirectUri }),
      ...(state === undefined ? {} : { state }),
    },
    account: accountOf(session, client),
  });
  return await verifyPage(c, body, policyFor(c, setting, leading(ask)));
}

/** `POST /oauth/logout/answer`: the person's own word, about the session that the page has named. */
export async function takeSignOut(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const ask = await readLogoutAsk(c, given({ ...form, id_token_hint: "" }));
  if (ask instanceof Response) return ask;
  if (form.decision === "stay") return c.redirect(sessionsPath(ask.client), 303);
  if (form.decision !== "sign_out") return await trouble(c, "request");
  const session = await sessionOf(c, ask.realm);
  // Somebody else has signed in meanwhile, in another tab.
  if (session && session.grant.id !== form.session) return await showSignOut(c, ask, session);
  if (session) await signOut(c, session);
  return await leave(c, ask);
}

/** Nobody is signed in here any more: back to the client, where its address is registered, else a page that says so. */
async function leave(c: Context<AppEnv>, ask: LogoutAsk): Promise<Response> {
  const { client, redirectUri, state } = ask;
  const setting = settingFor(c, client);
  if (redirectUri === undefined) {
    return await verifyPage(c, Ended({ setting, kind: "signed_out" }), policyFor(c, setting));
  }
  const href = state === undefined ? redirectUri : joined(redirectUri, { state });
  c.header("Location", href);
  // For apps whose scheme needs a press.
  const body = Ended({ setting, kind: "signed_out", back: href });
  return await verifyPage(c, body, policyFor(c, setting, leading(ask)), 303);
}

const leading = ({ redirectUri }: LogoutAsk) =>
  redirectUri === undefined ? {} : { redirectUrl: redirectUri };
