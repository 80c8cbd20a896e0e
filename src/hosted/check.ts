import type { Context } from "hono";
import { OUT_OF_ATTEMPTS } from "../core/challenge/cancel.ts";
import type { Client } from "../core/client/client.ts";
import { isRegisteredRedirect } from "../core/client/redirect-match.ts";
import { codeSubject } from "../core/code/subject.ts";
import type { Snapshot } from "../core/ports/challenges.ts";
import { plainCode } from "../core/typed-text.ts";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { readForm } from "../http/form.ts";
import { Code } from "../pages/verify/code.tsx";
import { Done, Over } from "../pages/verify/ending.tsx";
import { verifyPage } from "../pages/verify/respond.ts";
import type { Said } from "../pages/verify/time.tsx";
import { Wait } from "../pages/verify/wait.tsx";
import { errorBack, joined } from "./ask.ts";
import { send } from "./begin.ts";
import { browserDigest, browserSecret, csrfToken, isOwnForm } from "./browser.ts";
import { sentenceOf, type Told, toldFrom, toldOf, toldQuery } from "./errors.ts";
import { rememberBrowser } from "./known-browser.ts";
import { lettersOf, sentAgain, sentQuery } from "./letters.ts";
import { rememberSignIn } from "./remembered.ts";
import { policyFor, settingFor, trouble } from "./setting.ts";
import { finishVerification } from "./verification/finish.ts";
import { AUTHORIZATION_CODE } from "./verification/redeem-authorization-code.ts";
import { type Verification, verificationOf } from "./verification/verification.ts";

/** A verification that this very browser started. */
export type Own = {
  readonly snapshot: Snapshot;
  readonly verification: Verification & { readonly redirectUrl: string };
  readonly client: Client;
};

const pathOf = ({ snapshot }: Own): string => `/app/check/${snapshot.spec.id}`;

/** The verification that the path names, for the browser that started it; or the page that says no. */
async function ownOf(c: Context<AppEnv>): Promise<Own | Response> {
  const { challenges, clients } = services(c);
  const id = challenges.parse(c.req.param("id") ?? "");
  if (id === undefined) return trouble(c, "request");
  const snapshot = await challenges.read(id);
  const verification = snapshot && verificationOf(snapshot.spec);
  if (!snapshot || !verification) return trouble(c, "expired");
  const client = await clients.find(snapshot.spec.clientId);
  if (!client || client.disabledAt !== undefined) return trouble(c, "client");
  c.set("client", client);
  const { redirectUrl, browser } = verification;
  const secret = browserSecret(c);
  const isAskers = secret !== undefined && browser === (await browserDigest(c, secret));
  if (redirectUrl === undefined || !isAskers) return trouble(c, "browser", { client });
  // The operator may have struck it off meanwhile (T82).
  if (!isRegisteredRedirect(client.redirectUris, redirectUrl)) return trouble(c, "redirect", { client });
  return { snapshot, verification: { ...verification, redirectUrl }, client };
}

/** `GET /app/check/{id}`: how the verification stands. */
export async function showCheck(c: Context<AppEnv>): Promise<Response> {
  const own = await ownOf(c);
  return own instanceof Response ? own : show(c, own);
}

/** `GET /app/check/{id}/done`: on to the app, once it is confirmed. */
export async function showDone(c: Context<AppEnv>): Promise<Response> {
  const own = await ownOf(c);
  if (own instanceof Response) return own;
  return own.snapshot.view.state === "approved" ? goBack(c, own) : c.redirect(pathOf(own), 303);
}

/** `POST /app/check/{id}`: takes the code. A right one leads back to the app, as often as it is given. */
export async function takeCode(c: Context<AppEnv>): Promise<Response> {
  const own = await ownOf(c);
  if (own instanceof Response) return own;
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return trouble(c, "browser", { client: own.client });
  const code = plainCode(form.code ?? "");
  if (own.verification.method !== "otp") return trouble(c, "request", { client: own.client });
  if (own.snapshot.view.state === "approved") return goBack(c, own);
  if (own.snapshot.view.state !== "pending") return c.redirect(pathOf(own), 303);
  if (code === "") return tell(c, own, { code: "empty" });
  const finished = await finishVerification(services(c), {
    snapshot: own.snapshot,
    client: own.client,
    code,
    origin: originOf(c),
  });
  if (finished.ok) return goBack(c, { ...own, snapshot: finished.value });
  if (finished.error.code === "wrong_code") await services(c).limits.miss(originOf(c).ip);
  return finished.error.code === "not_allowed"
    ? tell(c, own, { code: "theirs" })
    : tell(c, own, toldOf(finished.error));
}

/** `POST /app/check/{id}/again`: sends another code or link. */
export async function sendAgain(c: Context<AppEnv>): Promise<Response> {
  const own = await ownOf(c);
  if (own instanceof Response) return own;
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return trouble(c, "browser", { client: own.client });
  if (own.snapshot.view.state !== "pending") return c.redirect(pathOf(own), 303);
  const sent = await send(c, own.client, own.snapshot, own.verification);
  return sent.ok
    ? c.redirect(`${pathOf(own)}?${sentQuery(c, sent.value.messageId, true)}`, 303)
    : tell(c, own, toldOf(sent.error));
}

/** By a redirect, so that loading the page again repeats nothing. */
function tell(c: Context<AppEnv>, own: Own, told: Told): Response {
  const query = [toldQuery(told), sentAgain(c)].filter((part) => part !== "");
  return c.redirect(`${pathOf(own)}?${query.join("&")}`, 303);
}

async function show(c: Context<AppEnv>, own: Own): Promise<Response> {
  const { snapshot, verification, client } = own;
  const restart = restartOf(own);
  switch (snapshot.view.state) {
    case "pending":
      if (c.req.query("e") === "locked") {
        return trouble(c, "locked", { client, restart, back: errorBack(verification, "access_denied") });
      }
      return verification.method === "link" ? showWait(c, own) : showCode(c, own);
    case "approved": {
      await rememberBrowser(c, verification.identifier);
      const setting = settingFor(c, client);
      return verifyPage(c, Done({ setting, href: await wayBack(c, own) }), policyFor(c, setting));
    }
    case "redeemed": {
      const setting = settingFor(c, client);
      return verifyPage(c, Over({ setting }), policyFor(c, setting));
    }
    case "cancelled": {
      const kind = snapshot.timeline.at(-1)?.by === OUT_OF_ATTEMPTS ? "guesses" : "stopped";
      return trouble(c, kind, { client, restart, back: errorBack(verification, "access_denied") });
    }
    case "expired":
    case "claimed":
    case "denied":
      return trouble(c, "expired", { client, restart, back: errorBack(verification, "expired") });
  }
}

async function showCode(c: Context<AppEnv>, own: Own): Promise<Response> {
  const { client, verification } = own;
  const setting = settingFor(c, client);
  const error = await errorOf(c, own, setting.locale);
  const body = Code({
    ...(await forms(c, own)),
    setting,
    submit: [pathOf(own), sentAgain(c)].filter((part) => part !== "").join("?"),
    phone: verification.channel !== "email",
    ...error,
  });
  const policy = policyFor(c, setting, { redirectUrl: verification.redirectUrl });
  return verifyPage(c, body, policy, "error" in error ? 422 : 200);
}

async function showWait(c: Context<AppEnv>, own: Own): Promise<Response> {
  const { client, snapshot, verification } = own;
  const powers = services(c);
  const setting = settingFor(c, client);
  const error = await errorOf(c, own, setting.locale);
  const { id } = snapshot.spec;
  const body = Wait({
    ...(await forms(c, own)),
    setting,
    socketUri: `${powers.config.issuer.replace(/^http/, "ws")}/challenges/${id}/socket`,
    handle: await powers.handles.mint(id, "wait"),
    ...error,
  });
  const policy = policyFor(c, setting, { redirectUrl: verification.redirectUrl });
  return verifyPage(c, body, policy, "error" in error ? 422 : 200);
}

async function forms(c: Context<AppEnv>, own: Own) {
  return {
    address: own.verification.identifier.value,
    action: pathOf(own),
    csrf: await csrfToken(c, browserSecret(c) ?? ""),
    restart: restartOf(own),
    ...lettersOf(c, own.snapshot.spec.expiresAt),
  };
}

/** What the address of the page says went wrong, or what became of the message that it names. */
async function errorOf(c: Context<AppEnv>, own: Own, locale: string): Promise<{ readonly error?: Said }> {
  const { e, n, m = "" } = c.req.query();
  const told = toldFrom(e, n);
  if (told) return { error: sentenceOf(told, locale) };
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(m)) return {};
  const subject = await codeSubject(services(c), own.client.realm, own.verification.identifier);
  const state = await services(c).deliveries.stateOf(subject, m);
  return state === "failed" ? { error: sentenceOf({ code: "unsent" }, locale) } : {};
}

/** Where the app is told (Cotter §8.1). */
async function wayBack(c: Context<AppEnv>, { snapshot, verification }: Own): Promise<string> {
  const code = await services(c).handles.mint(snapshot.spec.id, AUTHORIZATION_CODE);
  const { redirectUrl, state = "", number } = verification;
  return joined(redirectUrl, { code, state, challenge_id: String(number) });
}

/** 303 to the app, with a page behind it whose link a thumb can press where the jump is not made. */
export async function goBack(c: Context<AppEnv>, own: Own): Promise<Response> {
  const href = await wayBack(c, own);
  await rememberBrowser(c, own.verification.identifier);
  await rememberSignIn(c, own.client, own.snapshot, own.verification);
  const setting = settingFor(c, own.client);
  const policy = policyFor(c, setting, { redirectUrl: own.verification.redirectUrl });
  c.header("Location", href);
  return verifyPage(c, Done({ setting, href }), policy, 303);
}

/** The entry page as the app had opened it, without an address to send to. */
function restartOf({ client, verification }: Own): string {
  const { channel, method, redirectUrl, codeChallenge, state, userId } = verification;
  return joined("/app", {
    api_key: client.id,
    redirect_url: redirectUrl,
    type: channel === "email" ? "EMAIL" : "PHONE",
    code_challenge: codeChallenge,
    state: state ?? "",
    ...(method === "link" ? { auth_method: "MAGIC_LINK" } : {}),
    ...(channel === "email" ? {} : { use_channel: channel.toUpperCase() }),
    ...(userId === undefined ? {} : { cotter_user_id: userId }),
  });
}
