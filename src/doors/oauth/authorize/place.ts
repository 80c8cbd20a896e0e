import type { Context } from "hono";
import { type AppEnv, services } from "../../../http/context.ts";
import { ENDPOINTS } from "../endpoints.ts";
import type { Parameters } from "../form.ts";
import type { Session } from "../session/session.ts";

/** The parameter by which our own pages say that the person has just signed in, or chosen, for this very request. */
export const SIGNED_IN_MARK = "signed_in";
const MARK_MINUTES = 5;
const MARKED = /^([0-9a-z]{1,8})\.([A-Za-z0-9_-]{43})$/;
const BASE = 36;

/** The request as an address of ours, for a browser that comes back. */
export const placeOf = (parameters: Parameters): string => {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || name === SIGNED_IN_MARK ? [] : [[name, value]],
  );
  return `${ENDPOINTS.authorization_endpoint}?${new URLSearchParams(pairs)}`;
};

const macOf = (c: Context<AppEnv>, session: Session, minute: string, place: string): Promise<string> =>
  services(c).handles.pepper(["oauth-signed-in", session.grant.id, minute], place);

/** The same address for a browser whose person has just signed in: what asks for a new sign-in is content, for five minutes. */
export async function markedPlace(c: Context<AppEnv>, session: Session, place: string): Promise<string> {
  const minute = Math.floor(services(c).clock.now() / 60_000).toString(BASE);
  return `${place}&${SIGNED_IN_MARK}=${minute}.${await macOf(c, session, minute, place)}`;
}

/** Whether the mark that came along is this session's and this place's. */
export async function isMarked(
  c: Context<AppEnv>,
  session: Session,
  parameters: Parameters,
  place: string = placeOf(parameters),
): Promise<boolean> {
  const [, minute = "", mac = ""] = MARKED.exec(parameters[SIGNED_IN_MARK] ?? "") ?? [];
  const age = services(c).clock.now() / 60_000 - Number.parseInt(minute, BASE);
  if (!(age >= 0 && age < MARK_MINUTES)) return false;
  return await services(c).secrets.equal(mac, await macOf(c, session, minute, place));
}
