import type { Context } from "hono";
import { MAIN, parseRealm, type Realm } from "../../../core/ids.ts";
import { own } from "../../../core/own.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { ENDPOINTS } from "../endpoints.ts";
import type { Parameters } from "../form.ts";
import type { Session } from "../session/session.ts";

/** The parameter by which our own pages say what the person of this session has done for this very request. */
export const SIGNED_IN_MARK = "signed_in";

/** What a mark says, and for how many minutes. */
const MARK_MINUTES = {
  /** The person has just signed in: what asks for a new sign-in is content. */
  signed_in: 5,
  /** They have said that it is to be them: no more than that, since nobody has proven anything. */
  chosen: 5,
  /** The page that asks for consent was shown to them: nothing else was missing. */
  asked: 30,
} as const;
export type MarkKind = keyof typeof MARK_MINUTES;

/** The realm stands at the end, where it is not the main one: a page that cannot know it yet finds the session by it. */
const MARKED = /^([a-z_]{1,9})\.([0-9a-z]{1,8})\.([A-Za-z0-9_-]{43})(?:\.(.+))?$/;
const BASE = 36;

/** The request as an address of ours, for a browser that comes back. */
export const placeOf = (parameters: Parameters): string => {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || name === SIGNED_IN_MARK ? [] : [[name, value]],
  );
  return `${ENDPOINTS.authorization_endpoint}?${new URLSearchParams(pairs)}`;
};

type Mark = { readonly kind: MarkKind; readonly minute: string; readonly place: string };

const macOf = (c: Context<AppEnv>, session: Session, { kind, minute, place }: Mark): Promise<string> =>
  services(c).handles.pepper(["oauth-signed-in", kind, session.grant.id, minute], place);

/** The same address, marked for this session. */
export async function markedPlace(
  c: Context<AppEnv>,
  session: Session,
  place: string,
  kind: MarkKind,
): Promise<string> {
  const minute = Math.floor(services(c).clock.now() / 60_000).toString(BASE);
  const mac = await macOf(c, session, { kind, minute, place });
  const realm = session.realm === MAIN ? "" : `.${session.realm}`;
  return `${place}&${SIGNED_IN_MARK}=${kind}.${minute}.${mac}${realm}`;
}

/** The realm whose session a mark names, which shows nothing yet; undefined where there is no mark. */
export function realmOfMark(parameters: Parameters): Realm | undefined {
  const marked = MARKED.exec(parameters[SIGNED_IN_MARK] ?? "");
  return marked ? parseRealm(marked[4] ?? MAIN) : undefined;
}

/** What the mark that came along says, where it is this session's and this place's. */
export async function markOf(
  c: Context<AppEnv>,
  session: Session,
  parameters: Parameters,
  place: string = placeOf(parameters),
): Promise<MarkKind | undefined> {
  const [, name = "", minute = "", mac = ""] = MARKED.exec(parameters[SIGNED_IN_MARK] ?? "") ?? [];
  const minutes = own(MARK_MINUTES, name);
  const age = services(c).clock.now() / 60_000 - Number.parseInt(minute, BASE);
  if (minutes === undefined || !(age >= 0 && age < minutes)) return undefined;
  const kind = name as MarkKind;
  return (await services(c).secrets.equal(mac, await macOf(c, session, { kind, minute, place })))
    ? kind
    : undefined;
}
