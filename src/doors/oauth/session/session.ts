import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { grantListing } from "../../../core/challenge/record.ts";
import { redeemChallenge } from "../../../core/challenge/redeem.ts";
import type { Client } from "../../../core/client/client.ts";
import { answersFor } from "../../../core/device/answers-for.ts";
import { signsInFor } from "../../../core/device/own-pages.ts";
import { endSession } from "../../../core/grant/end.ts";
import { grantOfToken, refreshGrant } from "../../../core/grant/refresh.ts";
import { type Grant, isAlive } from "../../../core/grant/state.ts";
import { MAIN, type Realm } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import { namesFor, viewOf } from "../../../core/user/name-view.ts";
import { isOver } from "../../../core/user/user.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { acrOfGrant } from "../acr.ts";
import { SESSION_LIFETIME } from "../lifetimes.ts";
import { requestOf } from "../request.ts";
import { replaceSession } from "./replace.ts";

/** A browser in which somebody has signed in: a grant whose refresh token is the cookie, so it ends as every grant ends. */
export type Session = {
  readonly grant: Grant;
  readonly user: UserRecord;
  readonly realm: Realm;
  readonly acr: string;
};

const COOKIE = "countersign_session";

/** Realms never meet: each has a cookie of its own. Names of realms are letters that a cookie's name may have. */
const nameOf = (realm: Realm): string => (realm === MAIN ? COOKIE : `${COOKIE}.${realm}`);

const isSecure = (c: Context<AppEnv>): boolean => services(c).config.issuer.startsWith("https:");

const cookieOf = (c: Context<AppEnv>, realm: Realm): string | undefined =>
  isSecure(c) ? getCookie(c, nameOf(realm), "host") : getCookie(c, nameOf(realm));

/** Hands the browser the token that is good from now on. */
export async function keepSession(c: Context<AppEnv>, realm: Realm, grant: Grant): Promise<void> {
  const rules = {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    maxAge: SESSION_LIFETIME / SECOND,
  } as const;
  const token = await services(c).handles.refreshToken(grant);
  setCookie(c, nameOf(realm), token, isSecure(c) ? { ...rules, secure: true, prefix: "host" } : rules);
}

/** Takes the cookie away; the session itself is ended by whoever ends its grant. */
export function forgetSession(c: Context<AppEnv>, realm: Realm): void {
  const rules = { path: "/", httpOnly: true, sameSite: "Lax" } as const;
  deleteCookie(c, nameOf(realm), isSecure(c) ? { ...rules, secure: true, prefix: "host" } : rules);
}

/** Who is signed in in this browser, in this realm: while the grant lives and the user stands. Nothing is written. */
export async function sessionOf(c: Context<AppEnv>, realm: Realm): Promise<Session | undefined> {
  const token = cookieOf(c, realm);
  if (token === undefined) return undefined;
  const powers = services(c);
  const found = await grantOfToken(powers, token);
  if (!found.ok) return undefined;
  const { grant, snapshot } = found.value;
  const isOurs = isSession(snapshot) && (snapshot.spec.realm ?? MAIN) === realm;
  if (!isOurs || !isAlive(grant, powers.clock.now())) return undefined;
  const user = await powers.users.byId(grant.userId, realm);
  const isUp = user?.user.status === "active" && !isOver(user.user, snapshot.spec.createdAt);
  return isUp ? { grant, user, realm, acr: acrOfGrant(grant) } : undefined;
}

/**
 * The same, for this client: a session that a device had approved is good where that device may answer (docs/decisions/0042). Elsewhere it is
 * as good as none, or a backend that enrols devices of its own would reach every client of the realm.
 */
export async function sessionFor(c: Context<AppEnv>, client: Client): Promise<Session | undefined> {
  const session = await sessionOf(c, client.realm);
  const deviceId = session?.grant.deviceId;
  if (!session || deviceId === undefined) return session;
  const device = await services(c).devices.byId(deviceId);
  if (!device || device.revokedAt !== undefined) return undefined;
  return answersFor(client, device) || signsInFor(client, device) ? session : undefined;
}

export const isSession = ({ spec }: Pick<Snapshot, "spec">): boolean =>
  requestOf(spec)?.kind === "browser_session";

/** Who is signed in, for what only they may see or do: the session is used for it. */
export async function usedSession(c: Context<AppEnv>, realm: Realm): Promise<Session | undefined> {
  const session = await sessionOf(c, realm);
  return session && (await turnSession(c, session)) ? session : undefined;
}

/** The same for this client. */
export async function usedSessionFor(c: Context<AppEnv>, client: Client): Promise<Session | undefined> {
  const session = await sessionFor(c, client);
  return session && (await turnSession(c, session)) ? session : undefined;
}

/** Uses the session, and hands the browser the next cookie. False when it is over. */
export async function turnSession(c: Context<AppEnv>, session: Session): Promise<boolean> {
  const turned = await spendCookie(c, session);
  if (turned) await keepSession(c, session.realm, turned);
  return turned !== undefined;
}

/**
 * Uses the session: its cookie is good once. One that comes back later ends it, as a stolen one would (T84), and with it what was approved in
 * it: the cookie is taken away then. Answers the grant that the next cookie is made of.
 */
export async function spendCookie(c: Context<AppEnv>, { grant, realm }: Session): Promise<Grant | undefined> {
  const powers = services(c);
  const { ip } = originOf(c);
  const turned = await refreshGrant(powers, "own", cookieOf(c, realm) ?? "", {
    lane: "standard",
    rotation: "strict",
    isOurs: (spec) => isSession({ spec }),
    ip,
  });
  if (turned.ok) return turned.value;
  const { code } = turned.error;
  if (code === "refresh_reused") {
    await endSession(powers, grantListing(grant), { actor: "system", reason: code, ip });
  }
  forgetSession(c, realm);
  return undefined;
}

/**
 * Signs this browser in by an approved sign-in that it began, once; the same page again gets the same session for 30 s. It takes the place of
 * the session that was here.
 */
export async function openSession(
  c: Context<AppEnv>,
  client: Client,
  snapshot: Snapshot,
): Promise<Result<Session, Refusal>> {
  const powers = services(c);
  const { id } = snapshot.spec;
  const { ip } = originOf(c);
  const redeemed = await redeemChallenge(powers, {
    snapshot,
    client,
    lane: "standard",
    waiterProof: await powers.handles.waiterProof(["oauth-session", id]),
    subject: () => snapshot.spec.subject ?? {},
    withGrant: true,
    ...(ip === undefined ? {} : { ip }),
  });
  if (!redeemed.ok) return redeemed;
  const { grant } = redeemed.value;
  const user = grant && (await powers.users.byId(grant.userId, client.realm));
  if (!grant || !user) return no({ code: "unknown_user" });
  const before = await sessionOf(c, client.realm);
  // The page again: what the browser holds may be newer, and an older cookie would end the session (T84).
  if (before?.grant.id !== grant.id) {
    if (before) await replaceSession(powers, before.grant, grant, ip);
    await keepSession(c, client.realm, { ...grant, generation: 1 });
  }
  return ok({ grant, user, realm: client.realm, acr: acrOfGrant(grant) });
}

/** How the person of a session is shown to themself: by a name that this client may know them by, or where none asks by one that is proven. */
export function accountOf({ user }: Session, client: Client | undefined): string {
  const names = client
    ? namesFor(viewOf(client), user)
    : user.identifiers.filter(({ verifiedAt }) => verifiedAt !== undefined);
  return names[0]?.value ?? user.user.id;
}
