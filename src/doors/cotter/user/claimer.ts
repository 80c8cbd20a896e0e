import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { issuerFor } from "../../../core/client/settings.ts";
import { isAlive } from "../../../core/grant/state.ts";
import { parseUserId, type UserId, userSubject } from "../../../core/ids.ts";
import { MINUTE } from "../../../core/time.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { fromAllowedPage } from "../sessions.ts";
import { ambientOf } from "./enrolment-key.ts";

const COOKIE = "claimed";
/** As long as the sign-up's own window. */
const LIFE = 10 * MINUTE;
const VALUE = /^([0-9a-f-]{36})\.([0-9a-z]{8,9})\.([A-Za-z0-9_-]{43})$/;
const BEARER = /^Bearer ([\x21-\x7e]{1,8192})$/;

const macOf = (c: Context<AppEnv>, userId: string, until: string): Promise<string> =>
  services(c).handles.pepper(["claimer", c.get("client").id, until], userId);

/** A browser's cookie counts, and is set, only where a page that the client lists is calling. */
const isTheApp = (c: Context<AppEnv>): boolean => c.req.header("Origin") === undefined || fromAllowedPage(c);

/**
 * Lets whoever begins a sign-up show at the exchange of a proof, within its window, that it was them. The id alone would not do: anybody is
 * told it by name once there is a device (docs/decisions/0055).
 */
export async function nameClaimer(c: Context<AppEnv>, userId: UserId): Promise<void> {
  if (!isTheApp(c)) return;
  const until = (services(c).clock.now() + LIFE).toString(36);
  const rules = { httpOnly: true, secure: true, sameSite: "None", path: "/api/v0/verify" } as const;
  const value = `${userId}.${until}.${await macOf(c, userId, until)}`;
  setCookie(c, COOKIE, value, { ...rules, maxAge: LIFE / 1_000 });
}

/**
 * Who the caller shows to be: by a session of theirs at this client, or by what the sign-up handed over. For SDKs that send neither, whom
 * the app has named, in the sign-up's window, if the call looks like the one that enrolled their device.
 */
export async function claimerOf(c: Context<AppEnv>, named: UserId | undefined): Promise<UserId | undefined> {
  const token = BEARER.exec(c.req.header("Authorization") ?? "")?.[1];
  const shown = (token === undefined ? undefined : await bySession(c, token)) ?? (await byCookie(c));
  if (shown !== undefined || named === undefined) return shown;
  const isSame = await services(c).inboxes.looksSignedUp(userSubject(named), await ambientOf(c));
  return isSame ? named : undefined;
}

async function byCookie(c: Context<AppEnv>): Promise<UserId | undefined> {
  const { clock, secrets } = services(c);
  const [, userId = "", until = "", mac = ""] = VALUE.exec((isTheApp(c) && getCookie(c, COOKIE)) || "") ?? [];
  if (!(clock.now() < Number.parseInt(until, 36))) return undefined;
  return (await secrets.equal(mac, await macOf(c, userId, until))) ? parseUserId(userId) : undefined;
}

async function bySession(c: Context<AppEnv>, token: string): Promise<UserId | undefined> {
  const { verifier, users, challenges, clock, config } = services(c);
  const { client } = c.var;
  const issuer = issuerFor(client.settings, "cotter", config.issuer);
  const read = await verifier.verify(token, { kind: "access", issuer, audience: client.id });
  if (!read.ok || read.value.type !== "client_access_token") return undefined;
  const { sub, iat, sid } = read.value;
  // A device that was removed, a session that was ended: its tokens live on, and show nobody.
  const family = challenges.parse(typeof sid === "string" ? sid : "");
  const grant = family && (await challenges.read(family))?.grant;
  if (!grant || !isAlive(grant, clock.now()) || grant.userId !== sub || grant.clientId !== client.id)
    return undefined;
  const id = typeof sub === "string" ? parseUserId(sub) : undefined;
  const person = id && (await users.byId(id, client.realm));
  // What was ended everywhere shows nothing any more, though the token itself lives on.
  const isLive = typeof iat === "number" && iat * 1_000 >= (person?.user.endedAt ?? 0);
  return person?.user.status === "active" && isLive ? id : undefined;
}
