import type { Context } from "hono";
import { REPLACED, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { Client } from "../../../core/client/client.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { plainCode } from "../../../core/typed-text.ts";
import { type ReadIdentifier, readIdentifier } from "../../../core/user/identifier.ts";
import { browserDigest, browserSecret, csrfToken, isOwnForm } from "../../../hosted/browser.ts";
import { sayWhen, sentenceOf, toldFrom, toldOf, toldQuery } from "../../../hosted/errors.ts";
import { rememberBrowser } from "../../../hosted/known-browser.ts";
import { lettersOf, sentAgain, sentQuery } from "../../../hosted/letters.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { CodeEntry } from "../../../pages/sign-in/code-entry.tsx";
import { Ended } from "../../../pages/sign-in/ending.tsx";
import { MatchWait } from "../../../pages/sign-in/match-wait.tsx";
import { signInWords } from "../../../pages/sign-in/words.ts";
import { verifyPage } from "../../../pages/verify/respond.ts";
import type { Said } from "../../../pages/verify/time.tsx";
import { trouble } from "../authorize/back.ts";
import { markedPlace } from "../authorize/place.ts";
import { pageForm } from "../form.ts";
import { requestOf } from "../request.ts";
import type { Place } from "./place.ts";
import { placeAt } from "./place-at.ts";
import { proveSignIn } from "./prove.ts";
import { openSession, type Session, sessionFor } from "./session.ts";
import { SIGN_IN_PATH, showSignIn } from "./sign-in-page.ts";
import { askDevices, beginByCode, sendSignInCode } from "./start.ts";

/** `POST /oauth/sign-in`: who is there, and by which way they will show it. */
export async function takeSignIn(c: Context<AppEnv>): Promise<Response> {
  const form = await pageForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const at = await placeAt(c, form.to ?? "");
  if (at instanceof Response) return at;
  if (form.way === "account") return await goOnAs(c, at, form.session);
  const typed = form.identifier ?? "";
  const words = signInWords(settingFor(c, at.client).locale);
  const identifier = readIdentifier(typed);
  if (!identifier) return await again(c, at, typed, { text: words.errors.identifier });
  if (form.way === "code" || at.client.open !== undefined) return await goByCode(c, at, identifier);
  const started = await askDevices(c, at.client, identifier);
  if (!started.ok) return await refused(c, at, typed, started.error);
  const { snapshot, matchCode } = started.value;
  return c.redirect(pageOf(snapshot, at, matchCode === undefined ? {} : { n: matchCode }), 303);
}

/** The person who is signed in already, and says that it is to be them: whom the page has named, and nobody who has signed in since (T23). */
async function goOnAs(c: Context<AppEnv>, at: Place, named: string | undefined): Promise<Response> {
  const session = await sessionFor(c, at.client);
  if (!session) return await showSignIn(c, at, {});
  if (session.grant.id !== named) return await showSignIn(c, at, { session });
  return c.redirect(await markedPlace(c, session, at.place, "chosen"), 303);
}

async function goByCode(c: Context<AppEnv>, at: Place, identifier: ReadIdentifier): Promise<Response> {
  const { errors } = signInWords(settingFor(c, at.client).locale);
  // To a bare name nothing can be sent, and whose addresses it has is nobody's to learn here.
  if (identifier.kind === "username") return await again(c, at, identifier.value, { text: errors.address });
  const started = await beginByCode(c, at.client, identifier);
  if (!started.ok) return await refused(c, at, identifier.value, started.error);
  const { snapshot } = started.value;
  const sent = await sendSignInCode(c, at.client, snapshot, identifier);
  if (!sent.ok) return await refused(c, at, identifier.value, sent.error);
  return c.redirect(`${pageOf(snapshot, at)}&${sentQuery(c, sent.value.messageId, false)}`, 303);
}

const again = (c: Context<AppEnv>, at: Place, value: string, error: Said, status: 422 | 429 = 422) =>
  showSignIn(c, at, { value, error, status });

async function refused(c: Context<AppEnv>, at: Place, value: string, refusal: Refusal): Promise<Response> {
  const isLimit = refusal.code === "too_many";
  if (isLimit && refusal.scope === "ip") return await trouble(c, "busy");
  sayWhen(c, refusal);
  const { locale } = settingFor(c, at.client);
  return await again(c, at, value, sentenceOf(toldOf(refusal), locale), isLimit ? 429 : 422);
}

const pageOf = (
  { spec }: Pick<Snapshot, "spec">,
  { place }: Place,
  more: Readonly<Record<string, string>> = {},
): string => `${SIGN_IN_PATH}/${spec.id}?${new URLSearchParams({ to: place, ...more })}`;

/** A sign-in that this very browser began. */
type Own = {
  readonly snapshot: Snapshot;
  readonly client: Client;
  readonly at: Place;
  readonly identifier: ReadIdentifier;
  readonly way: "device" | "code";
};

async function ownOf(c: Context<AppEnv>, to: string): Promise<Own | Response> {
  const { challenges } = services(c);
  const id = challenges.parse(c.req.param("id") ?? "");
  const snapshot = id && (await challenges.read(id));
  const request = snapshot && requestOf(snapshot.spec);
  const identifier = readIdentifier(request?.identifier ?? "");
  const secret = browserSecret(c);
  const isAskers = secret !== undefined && request?.browser === (await browserDigest(c, secret));
  if (!snapshot || request?.kind !== "browser_session" || !identifier || !isAskers) {
    return await trouble(c, "form");
  }
  const at = await placeAt(c, to);
  if (at instanceof Response) return at;
  if (at.client.id !== snapshot.spec.clientId) return await trouble(c, "request");
  return { snapshot, client: at.client, at, identifier, way: request.way ?? "device" };
}

/** `GET /oauth/sign-in/{id}`: how the sign-in stands. */
export async function showSignInState(c: Context<AppEnv>): Promise<Response> {
  const own = await ownOf(c, c.req.query("to") ?? "");
  return own instanceof Response ? own : await show(c, own);
}

async function show(c: Context<AppEnv>, own: Own): Promise<Response> {
  const { snapshot, client } = own;
  const setting = settingFor(c, client);
  const restart = own.at.place;
  switch (snapshot.view.state) {
    case "pending":
    case "claimed":
      return own.way === "code" ? await showCode(c, own) : await showWait(c, own);
    case "approved":
    case "redeemed":
      return await enter(c, own);
    case "denied":
    case "cancelled":
    case "expired": {
      const kind = snapshot.view.state === "denied" ? "declined" : "expired";
      return await verifyPage(c, Ended({ setting, kind, back: restart }), policyFor(c, setting), 410);
    }
  }
}

async function showWait(c: Context<AppEnv>, own: Own): Promise<Response> {
  const powers = services(c);
  const { snapshot, client, at, identifier } = own;
  const { id, expiresAt } = snapshot.spec;
  const setting = settingFor(c, client);
  const number = c.req.query("n") ?? "";
  const body = MatchWait({
    setting,
    ...(/^\d{6}$/.test(number) ? { code: number } : {}),
    identifier: identifier.value,
    action: `${SIGN_IN_PATH}/${id}`,
    csrf: await csrfToken(c, browserSecret(c) ?? ""),
    fields: { to: at.place },
    socketUri: `${powers.config.issuer.replace(/^http/, "ws")}/challenges/${id}/socket`,
    handle: await powers.handles.mint(id, "wait"),
    left: Math.max(0, expiresAt - powers.clock.now()),
    next: pageOf(snapshot, at),
    restart: at.place,
    scan: scanOf(powers.config.issuer, id),
    canSendCode: identifier.kind !== "username",
  });
  return await verifyPage(c, body, policyWithWay(c, setting, at));
}

/** What the code on the waiting screen says to a phone's camera (docs/waiting.md). */
const scanOf = (issuer: string, id: ChallengeId) => ({
  address: `${issuer}/phone#scan=${id}.`,
  page: `${new URL(issuer).host}/phone`,
});

const policyWithWay = (c: Context<AppEnv>, setting: ReturnType<typeof settingFor>, at: Place) =>
  policyFor(c, setting, at.redirectUri === undefined ? {} : { redirectUrl: at.redirectUri });

async function showCode(c: Context<AppEnv>, own: Own): Promise<Response> {
  const { snapshot, client, at, identifier } = own;
  const setting = settingFor(c, client);
  const { e, n } = c.req.query();
  const told = toldFrom(e, n);
  const body = CodeEntry({
    setting,
    phone: identifier.kind === "phone",
    address: identifier.value,
    action: `${SIGN_IN_PATH}/${snapshot.spec.id}`,
    submit: [pageOf(snapshot, at), sentAgain(c)].filter((part) => part !== "").join("&"),
    fields: { to: at.place },
    csrf: await csrfToken(c, browserSecret(c) ?? ""),
    restart: at.place,
    ...lettersOf(c, snapshot.spec.expiresAt),
    ...(told ? { error: sentenceOf(told, setting.locale) } : {}),
  });
  return await verifyPage(c, body, policyWithWay(c, setting, at), told ? 422 : 200);
}

/** The browser is signed in, and goes on where it came from. */
async function enter(c: Context<AppEnv>, own: Own): Promise<Response> {
  const opened = await openSession(c, own.client, own.snapshot);
  if (!opened.ok) return await overWith(c, own, opened.error);
  if (own.way === "code") await rememberBrowser(c, own.identifier);
  const session: Session = opened.value;
  return c.redirect(await markedPlace(c, session, own.at.place, "signed_in"), 303);
}

async function overWith(c: Context<AppEnv>, own: Own, refusal: Refusal): Promise<Response> {
  if (refusal.code === "user_locked") return await trouble(c, "locked");
  const setting = settingFor(c, own.client);
  return await verifyPage(
    c,
    Ended({ setting, kind: "expired", back: own.at.place }),
    policyFor(c, setting),
    410,
  );
}

/** `POST /oauth/sign-in/{id}`: takes the code, or sends one where a device was asked. */
export async function takeSignInCode(c: Context<AppEnv>): Promise<Response> {
  const form = await pageForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const own = await ownOf(c, form.to ?? "");
  if (own instanceof Response) return own;
  const { snapshot, client, identifier, at } = own;
  if (form.way === "code" && own.way === "device") {
    // Nobody has answered it: a stranger writes no rows.
    await withdrawChallenge(services(c), snapshot, REPLACED);
    return await goByCode(c, at, identifier);
  }
  if (own.way !== "code" || snapshot.view.state !== "pending") return c.redirect(pageOf(snapshot, at), 303);
  const code = plainCode(form.code ?? "");
  if (code === "") return tell(c, own, "e=empty");
  const proven = await proveSignIn(c, { client, snapshot, identifier, code });
  if (proven.ok) return await enter(c, { ...own, snapshot: proven.value });
  if (proven.error.code === "wrong_code") await services(c).limits.miss(originOf(c).ip);
  return tell(c, own, toldQuery(toldOf(proven.error)));
}

/** `POST /oauth/sign-in/{id}/again`: another code. */
export async function sendSignInCodeAgain(c: Context<AppEnv>): Promise<Response> {
  const form = await pageForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const own = await ownOf(c, form.to ?? "");
  if (own instanceof Response) return own;
  if (own.way !== "code") return c.redirect(pageOf(own.snapshot, own.at), 303);
  const sent = await sendSignInCode(c, own.client, own.snapshot, own.identifier);
  return sent.ok
    ? c.redirect(`${pageOf(own.snapshot, own.at)}&${sentQuery(c, sent.value.messageId, true)}`, 303)
    : tell(c, own, toldQuery(toldOf(sent.error)));
}

/** By a redirect, so that loading the page again repeats nothing. */
function tell(c: Context<AppEnv>, own: Own, told: string): Response {
  const query = [told, sentAgain(c)].filter((part) => part !== "");
  return c.redirect(`${pageOf(own.snapshot, own.at)}&${query.join("&")}`, 303);
}
