import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { revokeGrant, revokeGrants } from "../../../core/grant/manage.ts";
import { MAIN } from "../../../core/ids.ts";
import { csrfToken, isOwnForm, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { Ended } from "../../../pages/sign-in/ending.tsx";
import { Sessions, SignedInNowhere } from "../../../pages/sign-in/sessions.tsx";
import { verifyPage } from "../../../pages/verify/respond.ts";
import { trouble } from "../authorize/back.ts";
import { namedClient } from "../client-auth.ts";
import { rowsOf } from "./rows.ts";
import {
  accountOf,
  forgetSession,
  keepSession,
  type Session,
  sessionOf,
  spendCookie,
  usedSession,
} from "./session.ts";
import { bySession } from "./sign-out.ts";

export const SESSIONS_PATH = "/oauth/sessions";

/** The page for the realm of this client; without one, of the main realm. */
export const sessionsPath = (client: Client | undefined): string =>
  client === undefined ? SESSIONS_PATH : `${SESSIONS_PATH}?${new URLSearchParams({ client_id: client.id })}`;

/** Whose realm the page is about. */
async function clientAsked(c: Context<AppEnv>): Promise<Client | undefined | Response> {
  const id = c.req.query("client_id");
  if (id === undefined || id === "") return undefined;
  const named = await namedClient(c, id);
  if (!named.ok) return await trouble(c, "busy");
  return named.value ?? (await trouble(c, "client"));
}

/** `GET /oauth/sessions`: where the person of this browser is signed in. Whoever is not signed in is told that, and nothing else. */
export async function showSessions(c: Context<AppEnv>): Promise<Response> {
  const client = await clientAsked(c);
  if (client instanceof Response) return client;
  const session = await usedSession(c, client?.realm ?? MAIN);
  return session ? await show(c, client, session) : await showNowhere(c, client);
}

async function show(c: Context<AppEnv>, client: Client | undefined, session: Session): Promise<Response> {
  const setting = settingFor(c, client);
  const body = Sessions({
    setting,
    account: accountOf(session, client),
    current: session.grant.id,
    rows: await rowsOf(services(c), session.grant.userId),
    action: sessionsPath(client),
    csrf: await csrfToken(c, ownSecret(c)),
  });
  return await verifyPage(c, body, policyFor(c, setting));
}

async function showNowhere(c: Context<AppEnv>, client: Client | undefined): Promise<Response> {
  const setting = settingFor(c, client);
  return await verifyPage(c, SignedInNowhere({ setting }), policyFor(c, setting));
}

/** `POST /oauth/sessions`: ends one of them, or all. What is not the person's own is not there (T20, T106). */
export async function takeSessions(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const client = await clientAsked(c);
  if (client instanceof Response) return client;
  const session = await sessionOf(c, client?.realm ?? MAIN);
  const spent = session && (await spendCookie(c, session));
  if (!spent) return c.redirect(sessionsPath(client), 303);
  const powers = services(c);
  const { grant } = session;
  const by = bySession(c, session);
  if (form.end === "all") {
    await revokeGrants(powers, grant.userId, by);
    return await signedOut(c, client, session);
  }
  const id = powers.challenges.parse(form.end ?? "");
  const ended = id && (await revokeGrant(powers, grant.userId, id, by));
  if (ended?.ok && id === grant.id) return await signedOut(c, client, session);
  await keepSession(c, session.realm, spent);
  return ended?.ok ? c.redirect(sessionsPath(client), 303) : await trouble(c, "request", 404);
}

async function signedOut(
  c: Context<AppEnv>,
  client: Client | undefined,
  { realm }: Session,
): Promise<Response> {
  forgetSession(c, realm);
  const setting = settingFor(c, client);
  return await verifyPage(c, Ended({ setting, kind: "signed_out" }), policyFor(c, setting));
}
