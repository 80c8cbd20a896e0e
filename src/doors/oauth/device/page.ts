import type { Context } from "hono";
import { reportSignIn } from "../../../core/challenge/report.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Client } from "../../../core/client/client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import { parseChallengeId } from "../../../core/ids.ts";
import { type Instant, MINUTE, SECOND } from "../../../core/time.ts";
import { csrfToken, isOwnForm, ownSecret } from "../../../hosted/browser.ts";
import { policyFor, settingFor } from "../../../hosted/setting.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { hasPhone, PHONE_PAGE } from "../../../http/phone-page.ts";
import { DeviceCode, DeviceConfirm } from "../../../pages/sign-in/device.tsx";
import { Ended, type EndedKind } from "../../../pages/sign-in/ending.tsx";
import { signInWords } from "../../../pages/sign-in/words.ts";
import { deviceName } from "../../../pages/verify/device.ts";
import { verifyPage } from "../../../pages/verify/respond.ts";
import type { Said } from "../../../pages/verify/time.tsx";
import { trouble } from "../authorize/back.ts";
import { markOf, realmOfMark } from "../authorize/place.ts";
import { VERIFICATION_PAGE } from "../endpoints.ts";
import type { Parameters } from "../form.ts";
import type { OAuthSubject } from "../request.ts";
import { accountOf, type Session, sessionOf, turnSession, usedSessionFor } from "../session/session.ts";
import { showSignIn } from "../session/sign-in-page.ts";
import { devicePlace } from "./place.ts";
import { challengeOfCode, readUserCode, shownUserCode } from "./user-code.ts";
import {
  claimedBy,
  claimUserCode,
  clientOfUserCode,
  type DeviceRequest,
  decideByUser,
  findByUserCode,
} from "./verification.ts";

/**
 * `GET /oauth/device`: asks for the code; a link that brings one fills it in and does nothing more (T94). Whoever has just signed in for this
 * very code had typed it here, and is asked at once. A browser that is somebody's phone goes on to the phone page, which fills it in too.
 */
export async function showDevicePage(c: Context<AppEnv>): Promise<Response> {
  const { user_code: typed, ...rest } = c.req.query();
  const code = typed === undefined ? undefined : readUserCode(typed);
  // Whoever comes back from signing in here, or asked for this page (`here`), stays.
  const isPlain = Object.keys(rest).length === 0;
  if (code !== undefined && isPlain && hasPhone(c)) return c.redirect(phonePlace(code), 303);
  if (code === undefined) return await ask(c, typed === undefined ? {} : { value: typed });
  const session = await justSignedIn(c, rest, code);
  if (session) return await claim(c, session, code);
  return await ask(c, { value: shownUserCode(code) });
}

/** The phone page with a code that a waiting screen shows. Behind the `#`, so that no log has it. */
const phonePlace = (code: string): string => `${PHONE_PAGE}#code=${shownUserCode(code)}`;

/** Whose mark came along. Any page may lead a browser here, so no guess is counted before it is found good. */
async function justSignedIn(
  c: Context<AppEnv>,
  rest: Parameters,
  code: string,
): Promise<Session | undefined> {
  const realm = realmOfMark(rest);
  const session = realm && (await sessionOf(c, realm));
  const isMarked = session && (await markOf(c, session, rest, devicePlace(code))) !== undefined;
  return isMarked && (await turnSession(c, session)) ? session : undefined;
}

/** `POST /oauth/device`: takes the code, then whoever is to be signed in. */
export async function takeUserCode(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const typed = form.user_code ?? "";
  const { ip } = originOf(c);
  const client = await clientOfUserCode(services(c), { typed, ip });
  if (!client.ok) return await refused(c, typed, client.error);
  c.set("client", client.value);
  const session = await usedSessionFor(c, client.value);
  const code = readUserCode(typed) ?? "";
  if (!session) return await showSignIn(c, { client: client.value, place: devicePlace(code) }, {});
  return await claim(c, session, code);
}

/** Ties the request to this person, and goes on to the question. */
async function claim(c: Context<AppEnv>, session: Session, code: string): Promise<Response> {
  const { ip } = originOf(c);
  const { user } = session.user;
  const found = await findByUserCode(services(c), { user, typed: code, ip });
  if (!found.ok) return await refused(c, code, found.error);
  const { snapshot } = found.value;
  const claimed = await claimUserCode(services(c), { snapshot, user, sessionId: session.grant.id, ip });
  if (!claimed.ok) {
    return claimed.error.code === "user_locked"
      ? await trouble(c, "locked")
      : await refused(c, code, { code: "unknown_challenge" });
  }
  return c.redirect(`${VERIFICATION_PAGE}/${snapshot.spec.id}?user_code=${shownUserCode(code)}`, 303);
}

type Refused =
  | { readonly code: "malformed" | "unknown_challenge" | "expired" }
  | { readonly code: "code_locked"; readonly until: Instant };

async function refused(c: Context<AppEnv>, value: string, refusal: Refused): Promise<Response> {
  const { errors } = signInWords(settingFor(c).locale);
  if (refusal.code === "code_locked") {
    const wait = Math.max(1, Math.ceil((refusal.until - services(c).clock.now()) / SECOND));
    c.header("Retry-After", String(wait));
    const at = Math.ceil(refusal.until / MINUTE) * MINUTE;
    return await ask(c, { value, error: { text: errors.tooManyCodes, at }, status: 429 });
  }
  if (refusal.code === "unknown_challenge") await services(c).limits.miss(originOf(c).ip);
  return await ask(c, { value, error: { text: errors.userCode }, status: 422 });
}

async function ask(
  c: Context<AppEnv>,
  parts: { readonly value?: string; readonly error?: Said; readonly status?: 200 | 422 | 429 },
): Promise<Response> {
  const { status = 200, ...shown } = parts;
  const setting = settingFor(c);
  const csrf = await csrfToken(c, ownSecret(c));
  const typed = readUserCode(shown.value ?? "");
  const phone = typed === undefined ? PHONE_PAGE : phonePlace(typed);
  const body = DeviceCode({ setting, action: VERIFICATION_PAGE, csrf, fields: {}, phone, ...shown });
  return await verifyPage(c, body, policyFor(c, setting), status);
}

/** The request that the path names, for whoever has claimed it, with the code that the other device shows. */
async function ownOf(
  c: Context<AppEnv>,
  typed: string,
): Promise<(DeviceRequest & { readonly session: Session; readonly code: string }) | Response> {
  const powers = services(c);
  const challengeId = c.req.param("id") ?? "";
  const code = readUserCode(typed);
  const isIts =
    code !== undefined && (await challengeOfCode(powers, code)).id === parseChallengeId(challengeId);
  const client = isIts ? await clientOf(c, challengeId) : undefined;
  // Looking and deciding both use the session: a cookie of long ago does neither (T84).
  const session = client && (await usedSessionFor(c, client));
  if (!client || !session || code === undefined) return c.redirect(VERIFICATION_PAGE, 303);
  const claimed = await claimedBy(powers, { challengeId, user: session.user.user });
  if (!claimed.ok) return await ended(c, client, "used");
  return { ...claimed.value, session, code };
}

async function clientOf(c: Context<AppEnv>, challengeId: string): Promise<Client | undefined> {
  const { challenges, clients } = services(c);
  const id = challenges.parse(challengeId);
  const snapshot = id && (await challenges.read(id));
  return snapshot && (await clients.find(snapshot.spec.clientId));
}

async function ended(c: Context<AppEnv>, client: Client, kind: EndedKind, back?: string): Promise<Response> {
  const setting = settingFor(c, client);
  const body = Ended({ setting, kind, ...(back === undefined ? {} : { back }) });
  return await verifyPage(c, body, policyFor(c, setting));
}

/** `GET /oauth/device/{id}`: who asks, from where, and with which code; nothing is decided by looking (RFC 8628 §3.3.1, T94). */
export async function showDeviceRequest(c: Context<AppEnv>): Promise<Response> {
  const own = await ownOf(c, c.req.query("user_code") ?? "");
  if (own instanceof Response) return own;
  const { client, snapshot, session, code } = own;
  const { origin, createdAt, scope, subject } = snapshot.spec;
  const { resource } = subject as OAuthSubject;
  const setting = settingFor(c, client);
  const place = [origin.city, origin.country, origin.ip].filter((part) => part !== undefined).join(", ");
  const device = deviceName(origin.userAgent);
  const shown = shownUserCode(code);
  const body = DeviceConfirm({
    setting,
    action: `${VERIFICATION_PAGE}/${snapshot.spec.id}`,
    csrf: await csrfToken(c, ownSecret(c)),
    fields: { user_code: shown },
    facts: {
      client: brandOf(client).name,
      account: accountOf(session, client),
      ...(resource === undefined ? {} : { resource }),
      ...(place === "" ? {} : { place }),
      ...(device === undefined ? {} : { device }),
      at: createdAt,
      code: shown,
    },
    scopes: scope.split(" ").filter((value) => value !== ""),
  });
  return await verifyPage(c, body, policyFor(c, setting));
}

/** `POST /oauth/device/{id}`: yes, no, or that it was somebody else. */
export async function decideDeviceRequest(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const { decision } = form;
  if (decision !== "approve" && decision !== "deny" && decision !== "not_me")
    return await trouble(c, "request");
  const own = await ownOf(c, form.user_code ?? "");
  if (own instanceof Response) return own;
  const { client, snapshot, session } = own;
  const { grant } = session;
  const { ip } = originOf(c);
  const decide = () =>
    decideByUser(services(c), {
      snapshot,
      user: session.user.user,
      session: {
        sessionId: grant.id,
        ...(grant.deviceId === undefined ? {} : { deviceId: grant.deviceId }),
        provenAt: grant.authTime * SECOND,
        amr: grant.amr,
      },
      decision: decision === "approve" ? "approve" : "deny",
      ip,
    });
  const decided = decision === "not_me" ? await report(c, own, decide) : await decide();
  if (!decided.ok) {
    return decided.error.code === "user_locked" ? await trouble(c, "locked") : await ended(c, client, "used");
  }
  const kind = decision === "approve" ? "approved" : decision === "deny" ? "declined" : "reported";
  return await ended(c, client, kind);
}

/** That somebody else began it silences whoever did, is put on record, and told to the client's webhook. */
async function report(
  c: Context<AppEnv>,
  { client, snapshot, session }: DeviceRequest & { readonly session: Session },
  decide: () => ReturnType<typeof decideByUser>,
): ReturnType<typeof decideByUser> {
  const powers = services(c);
  const { id, origin, brought } = snapshot.spec;
  const reported = {
    userId: session.grant.userId,
    clientId: client.id,
    challengeId: id,
    caller: brought === "secret" ? { brought } : await callerFrom(powers, "nothing", origin.ip),
    ip: originOf(c).ip,
  };
  return await reportSignIn(powers, reported, decide);
}
