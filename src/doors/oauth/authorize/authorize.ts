import type { Context } from "hono";
import { isFirstParty } from "../../../core/client/settings.ts";
import { toSeconds } from "../../../core/time.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import { isKnownTo, viewOf } from "../../../core/user/name-view.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { ACR_VALUES } from "../acr.ts";
import { wrong } from "../errors.ts";
import { given, pageForm } from "../form.ts";
import { type Session, sessionFor, turnSession } from "../session/session.ts";
import { showSignIn } from "../session/sign-in-page.ts";
import { type Ask, readAsk } from "./ask.ts";
import { fromQuery } from "./ask-of-place.ts";
import { leadWithCode, leadWithError, refuseAsk, trouble } from "./back.ts";
import { makeCode } from "./code.ts";
import { showConsent } from "./consent-page.ts";
import { type MarkKind, markOf, placeOf } from "./place.ts";

/** `GET` of the authorization endpoint (OpenID Connect Core §3.1.2.1). */
export async function authorize(c: Context<AppEnv>): Promise<Response> {
  // Whoever only looks whether there is something gets no code.
  if (c.req.method === "HEAD") return c.body(null, 200);
  const { parameters, repeated } = fromQuery(new URL(c.req.url).searchParams);
  const ask = await readAsk(c, parameters, repeated);
  return ask.ok ? await proceed(c, ask.value, false) : await refuseAsk(c, ask.error);
}

/**
 * `POST`: the same, from a form of the client. A browser sends no cookie along with a form of another site, so whoever is signed in would
 * not be: it is sent here once more with what the form said.
 */
export async function authorizeByForm(c: Context<AppEnv>): Promise<Response> {
  const fields = await pageForm(c);
  return fields ? c.redirect(placeOf(given(fields)), 303) : await trouble(c, "request");
}

/** What is still needed before the client gets its code. */
type Need = "code" | "sign_in" | "choose" | "consent";

/**
 * Goes as far as this browser's session allows: to the client with a code, or to the page that asks for what is missing. `consented`: the
 * person of this session was asked, when nothing else was missing any more, and has said yes.
 */
export async function proceed(c: Context<AppEnv>, ask: Ask, consented: boolean): Promise<Response> {
  const session = await sessionFor(c, ask.client);
  const hinted = await hintedUser(c, ask);
  if (hinted === "bad") {
    return await leadWithError(
      c,
      ask,
      wrong("invalid_request", "id_token_hint is not an ID token of this server"),
    );
  }
  const mark = session && (await markOf(c, session, ask.parameters));
  if (session && mark !== undefined && hinted !== undefined && hinted !== session.grant.userId) {
    return await leadWithError(c, ask, wrong("login_required", "Another user is signed in"));
  }
  const fits = session !== undefined && (hinted ?? session.grant.userId) === session.grant.userId;
  const need = needOf(c, ask, { session, fits: fits && isHinted(ask, session), mark, consented });
  if (ask.prompts.includes("none") && need !== "code") {
    return need === "consent"
      ? await leadWithError(c, ask, wrong("consent_required", "The user has to be asked"))
      : await leadWithError(c, ask, wrong("login_required", "The user has to sign in"));
  }
  if (!session || need === "sign_in") return await showSignIn(c, placeOfAsk(ask), {});
  if (need === "choose") return await showSignIn(c, placeOfAsk(ask), { session });
  if (need === "consent") return await showConsent(c, ask, session);
  return await finish(c, ask, session);
}

/** Where the sign-in page belongs to, and what it may know of the person already. */
const placeOfAsk = (ask: Ask) => ({
  client: ask.client,
  place: placeOf(ask.parameters),
  redirectUri: ask.redirectUri,
  ...(ask.loginHint === undefined ? {} : { hint: ask.loginHint }),
});

type Standing = {
  readonly session: Session | undefined;
  readonly fits: boolean;
  readonly mark: MarkKind | undefined;
  readonly consented: boolean;
};

function needOf(c: Context<AppEnv>, ask: Ask, { session, fits, mark, consented }: Standing): Need {
  const { client, prompts, maxAge } = ask;
  if (!session) return "sign_in";
  if (mark !== "signed_in" && !consented) {
    if (prompts.includes("login")) return "sign_in";
    const age = toSeconds(services(c).clock.now()) - session.grant.authTime;
    if (maxAge !== undefined && (maxAge === 0 || age > maxAge)) return "sign_in";
    if (mark !== "chosen" && (!fits || prompts.includes("select_account"))) return "choose";
    if (!reaches(session.acr, ask.acrValues)) return "sign_in";
  }
  const asks = prompts.includes("consent") || !isFirstParty(client.settings);
  return asks && !consented ? "consent" : "code";
}

/** Whether a sign-in is as strong as the weakest that the client would take; what it names and nobody knows asks for nothing. */
function reaches(acr: string, wanted: readonly string[]): boolean {
  const known: readonly string[] = ACR_VALUES;
  const ranks = wanted.map((value) => known.indexOf(value)).filter((rank) => rank >= 0);
  return ranks.length === 0 || known.indexOf(acr) >= Math.min(...ranks);
}

/** Whether `login_hint` is a name of the person who is signed in. */
function isHinted({ client, loginHint }: Ask, { user }: Session): boolean {
  if (loginHint === undefined || loginHint === user.user.id) return true;
  const named = readIdentifier(loginHint);
  const view = viewOf(client);
  return user.identifiers.some((one) => one.normal === named?.normal && isKnownTo(view, one));
}

/** Whom `id_token_hint` is about; an ID token that has expired still says so. */
async function hintedUser(
  c: Context<AppEnv>,
  { client, idTokenHint }: Ask,
): Promise<string | "bad" | undefined> {
  if (idTokenHint === undefined) return undefined;
  const { verifier, config } = services(c);
  const read = await verifier.verify(idTokenHint, {
    kind: "id",
    issuer: config.issuer,
    audience: client.id,
    expired: "allowed",
  });
  return read.ok && typeof read.value.sub === "string" ? read.value.sub : "bad";
}

/** A request that was pushed is good for one code; until there is one it may be opened again, and nothing is stored (RFC 9126 §7.3). */
async function isFirstUse(c: Context<AppEnv>, { client, pushed }: Ask): Promise<boolean> {
  if (pushed === undefined) return true;
  return await services(c).nonces.spend({ clientId: client.id, hash: pushed.hash, expiresAt: pushed.over });
}

async function finish(c: Context<AppEnv>, ask: Ask, session: Session): Promise<Response> {
  if (!(await turnSession(c, session))) return await showSignIn(c, placeOfAsk(ask), {});
  if (!(await isFirstUse(c, ask))) {
    return await leadWithError(c, ask, wrong("invalid_request_uri", "The request_uri was used before"));
  }
  const code = await makeCode(c, ask, session);
  return code === undefined ? await trouble(c, "locked") : await leadWithCode(c, ask, code);
}
