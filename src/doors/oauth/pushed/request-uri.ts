import type { Context } from "hono";
import { type Instant, MINUTE, type Millis, SECOND } from "../../../core/time.ts";
import { browserDigest, ownSecret } from "../../../hosted/browser.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { given, type Parameters } from "../form.ts";

/** RFC 9126 §2.2. What stands behind it is the whole request, sealed for its client: nothing is stored for it. */
export const REQUEST_URI = "urn:ietf:params:oauth:request_uri:";

/** How long a `request_uri` can be opened. */
export const PUSHED_FOR: Millis = 60 * SECOND;
/** How long a browser that has opened it may take to sign in and to consent. */
const OPENED_MINUTES = 30;
/** Characters of a request. Sealed, it still fits into the forms of our own pages. */
const LONGEST = 4_000;

const PURPOSE = "pushed_request";
const OPENED = /^([0-9a-z]{1,8})\.([A-Za-z0-9_-]{43})$/;
/** One spelling for each sealed text: what is spent is the hash of the whole. */
const SPELLING = /^[1-9]\d{0,8}\.[A-Za-z0-9_-]+$/;
const REQUEST = /^([0-9a-z]{1,11})\.([\s\S]*)$/;
const BASE = 36;

/** The name by which our own pages carry on a request that this browser has opened in time. */
export const OPENED_MARK = "opened";

/** A request that was pushed before, as a browser brings it. */
export type Pushed = {
  readonly parameters: Parameters;
  /** Shows that this browser has opened it in time; undefined when it came too late. */
  readonly opened?: string;
  /** What is spent when the code is made, and until when it could be brought again. */
  readonly hash: string;
  readonly over: Instant;
};

export const isPushed = ({ request_uri: uri }: Parameters): boolean => uri?.startsWith(REQUEST_URI) === true;

/** Seals a request for its client (RFC 9126 §2.2); undefined when it is too long. */
export async function sealRequest(
  c: Context<AppEnv>,
  clientId: string,
  { client_id: _, ...parameters }: Parameters,
): Promise<string | undefined> {
  const { clock, sealing } = services(c);
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const text = `${(clock.now() + PUSHED_FOR).toString(BASE)}.${new URLSearchParams(pairs)}`;
  if (text.length > LONGEST) return undefined;
  return `${REQUEST_URI}${await sealing.seal(text, PURPOSE, clientId)}`;
}

/** The request behind a `request_uri`; undefined for one that is not ours, or another client's. */
export async function openRequest(
  c: Context<AppEnv>,
  { client_id: clientId = "", request_uri: uri = "", [OPENED_MARK]: mark }: Parameters,
): Promise<Pushed | undefined> {
  const { clock, handles, sealing } = services(c);
  const sealed = uri.slice(REQUEST_URI.length);
  const text = SPELLING.test(sealed) ? await sealing.open(sealed, PURPOSE, clientId) : undefined;
  const [, until, query] = REQUEST.exec(text ?? "") ?? [];
  if (until === undefined) return undefined;
  const closes = Number.parseInt(until, BASE);
  const inner = given(Object.fromEntries(new URLSearchParams(query)));
  const now = clock.now();
  const wasOpened = await isOpened(c, uri, mark, now);
  const opened = wasOpened ? mark : now < closes ? await openedMark(c, uri, now) : undefined;
  return {
    parameters: { ...inner, client_id: clientId },
    hash: await handles.digest(["oauth-pushed", uri]),
    over: closes + (OPENED_MINUTES + 1) * MINUTE,
    ...(opened === undefined ? {} : { opened }),
  };
}

const macOf = async (c: Context<AppEnv>, uri: string, minute: string): Promise<string> =>
  services(c).handles.pepper(["oauth-opened", await browserDigest(c, ownSecret(c)), minute], uri);

async function openedMark(c: Context<AppEnv>, uri: string, now: Instant): Promise<string> {
  const minute = Math.floor(now / MINUTE).toString(BASE);
  return `${minute}.${await macOf(c, uri, minute)}`;
}

async function isOpened(c: Context<AppEnv>, uri: string, mark = "", now: Instant): Promise<boolean> {
  const [, minute = "", mac = ""] = OPENED.exec(mark) ?? [];
  const age = now / MINUTE - Number.parseInt(minute, BASE);
  if (!(age >= 0 && age < OPENED_MINUTES)) return false;
  return await services(c).secrets.equal(mac, await macOf(c, uri, minute));
}
