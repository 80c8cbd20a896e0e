import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Client } from "../core/client/client.ts";
import { rememberMinutes } from "../core/client/settings.ts";
import { identifierIdOf, proverIdOf } from "../core/code/subject.ts";
import { parseUserId, type UserId, userSubject } from "../core/ids.ts";
import type { Remembered } from "../core/inbox/state.ts";
import type { Snapshot } from "../core/ports/challenges.ts";
import { MINUTE, SECOND } from "../core/time.ts";
import { type AppEnv, services } from "../http/context.ts";
import type { Brought } from "./verification/recall-browser.ts";
import type { Verification } from "./verification/verification.ts";

/** `<user id>.<entry>.<turn>.<MAC>`: forged ones wake nothing, and nothing secret of it is kept. */
const COOKIE = /^([0-9a-f-]{36})\.([A-Za-z0-9_-]{16})\.(\d{1,9})\.([A-Za-z0-9_-]{43})$/;
const TAG_LENGTH = 12;
const ENTRY_LENGTH = 16;

const isSecure = (c: Context<AppEnv>): boolean => services(c).config.issuer.startsWith("https:");

/** One cookie for each client: what one is told of a user is nothing to another. */
const nameOf = async (c: Context<AppEnv>, client: Client): Promise<string> =>
  `countersign_remembered_${(await services(c).handles.digest(["remembered-client", client.id])).slice(0, TAG_LENGTH)}`;

const macOf = (c: Context<AppEnv>, client: Client, userId: UserId, id: string, turn: number) =>
  services(c).handles.pepper(["remembered", client.id, userId, id], String(turn));

/** What this browser brought for the client, if this deployment wrote it. */
export async function remembered(c: Context<AppEnv>, client: Client): Promise<Brought | undefined> {
  if (rememberMinutes(client.settings) === 0) return undefined;
  const name = await nameOf(c, client);
  const text = (isSecure(c) ? getCookie(c, name, "host") : getCookie(c, name)) ?? "";
  const [, who = "", id = "", count = "", mac = ""] = COOKIE.exec(text) ?? [];
  const userId = parseUserId(who);
  const turn = Number(count);
  if (userId === undefined) return undefined;
  const isOurs = await services(c).secrets.equal(mac, await macOf(c, client, userId, id, turn));
  return isOurs ? { userId, cookie: { id, clientId: client.id, turn } } : undefined;
}

/** Hands the browser the cookie that is good from now on, for as long as its entry is. */
export async function handCookie(
  c: Context<AppEnv>,
  client: Client,
  userId: UserId,
  { id, turn, until }: Remembered,
): Promise<void> {
  const value = `${userId}.${id}.${turn}.${await macOf(c, client, userId, id, turn)}`;
  const maxAge = Math.max(0, Math.floor((until - services(c).clock.now()) / SECOND));
  const rules = { path: "/", httpOnly: true, sameSite: "Lax", maxAge } as const;
  const name = await nameOf(c, client);
  setCookie(c, name, value, isSecure(c) ? { ...rules, secure: true, prefix: "host" } : rules);
}

/** Takes the cookie away. */
export async function dropCookie(c: Context<AppEnv>, client: Client): Promise<void> {
  const name = await nameOf(c, client);
  deleteCookie(c, name, isSecure(c) ? { path: "/", secure: true, prefix: "host" } : { path: "/" });
}

/** Remembers this browser for the user who has just proven an address in it; what was remembered already is not prolonged. */
export async function rememberSignIn(
  c: Context<AppEnv>,
  client: Client,
  { spec, view }: Snapshot,
  verification: Pick<Verification, "identifier" | "method">,
): Promise<void> {
  const { approval } = view;
  const length = rememberMinutes(client.settings) * MINUTE;
  if (length === 0 || approval === undefined || approval.provenAt !== undefined) return;
  const powers = services(c);
  // A claimed address may turn out to be its claimer's: nobody is known yet to be remembered.
  if (approval.userId === (await proverIdOf(powers, spec.id))) return;
  // Of the challenge, so that the same answer again remembers the same browser.
  const id = (await powers.handles.digest(["remembered-entry", spec.id])).slice(0, ENTRY_LENGTH);
  const entry: Remembered = {
    id,
    clientId: client.id,
    identifierId: await identifierIdOf(powers, verification.identifier),
    amr: [verification.method],
    provenAt: approval.at,
    until: approval.at + length,
    turn: 0,
    turnedAt: approval.at,
  };
  await powers.inboxes.remember(userSubject(approval.userId), entry);
  await handCookie(c, client, approval.userId, entry);
}
