import { sha256, toBase64Url, utf8 } from "./bytes.ts";
import type { Me } from "./store.ts";

/** A refusal, by the stable `code` of its problem details; what else it says stands beside it. */
export type Refused = {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly more: Readonly<Record<string, unknown>>;
};
export type Answer<T> = { readonly ok: true; readonly value: T } | Refused;

/** Nothing came back: there is no network, or none to the service. */
export const OFFLINE = "offline";

type Jwk = { readonly kty: string; readonly crv: string; readonly x: string; readonly y: string };

async function publicJwk({ key }: Pick<Me, "key">): Promise<Jwk> {
  const { kty = "", crv = "", x = "", y = "" } = await crypto.subtle.exportKey("jwk", key.publicKey);
  return { crv, kty, x, y };
}

/** Thumbprint of the key (RFC 7638): its members in the order of their names. */
export async function thumbprint(me: Pick<Me, "key">): Promise<string> {
  const { crv, kty, x, y } = await publicJwk(me);
  return toBase64Url(await sha256(JSON.stringify({ crv, kty, x, y })));
}

/** A compact JWS by this browser's key (RFC 7515 §3.1). */
export async function jws(me: Pick<Me, "key">, header: object, payload: string): Promise<string> {
  const input = `${toBase64Url(utf8(JSON.stringify(header)))}.${toBase64Url(utf8(payload))}`;
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    me.key.privateKey,
    utf8(input),
  );
  return `${input}.${toBase64Url(signature)}`;
}

/** A DPoP proof for one call (RFC 9449 §4.2). `issuer` is the service's own name for itself. */
export async function proof(
  me: Me,
  issuer: string,
  method: string,
  path: string,
  token: string | undefined = undefined,
): Promise<string> {
  const claims = {
    htm: method,
    htu: `${issuer}${path}`,
    jti: crypto.randomUUID(),
    iat: Math.floor((Date.now() + clockAhead) / 1000),
    ...(token === undefined ? {} : { ath: toBase64Url(await sha256(token)) }),
  };
  return await jws(me, { alg: "ES256", jwk: await publicJwk(me), typ: "dpop+jwt" }, JSON.stringify(claims));
}

/** How far the server's clock is ahead of this one's: phones' clocks go wrong, and what is signed has to be of this minute. */
let clockAhead = 0;
export const serverNow = (): number => Date.now() + clockAhead;

function hearClock(answer: Response): void {
  const date = Date.parse(answer.headers.get("Date") ?? "");
  // The header knows whole seconds: less than two is no difference. A clock that was put right since is believed again.
  if (Number.isFinite(date) && Math.abs(date - serverNow()) > 2000) clockAhead = date - Date.now();
}

async function read<T>(answer: Response): Promise<Answer<T>> {
  hearClock(answer);
  const text = await answer.text();
  let body: Record<string, unknown> = {};
  try {
    body = (JSON.parse(text || "{}") ?? {}) as Record<string, unknown>;
  } catch {
    return { ok: false, status: answer.status, code: "unreadable", more: {} };
  }
  if (answer.ok) return { ok: true, value: body as T };
  const code = typeof body.code === "string" ? body.code : answer.status >= 500 ? "unavailable" : "refused";
  return { ok: false, status: answer.status, code, more: body };
}

type Sent = { readonly method: string; readonly path: string; readonly body?: unknown };

async function send<T>(
  { method, path, body }: Sent,
  headers: Readonly<Record<string, string>>,
): Promise<Answer<T>> {
  try {
    const answer = await fetch(path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await read<T>(answer);
  } catch {
    return { ok: false, status: 0, code: OFFLINE, more: {} };
  }
}

/** How long an answer may take: nobody waits before a line that is dead. */
const PATIENCE = 30_000;

/** A call that anybody may make. */
export const callOpen = <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> =>
  send({ method, path, body }, {});

/** A call that shows this browser's key and no token: it opens a session, or enrols. */
export const callByKey = async <T>(me: Me, issuer: string, path: string, body: unknown): Promise<Answer<T>> =>
  send({ method: "POST", path, body }, { DPoP: await proof(me, issuer, "POST", path) });

/** A call of the device that this browser is. */
export async function callAsDevice<T>(
  me: Me,
  issuer: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<T>> {
  const { token = "" } = me;
  const bare = path.split("?")[0] ?? path;
  return await send(
    { method, path, body },
    { Authorization: `DPoP ${token}`, DPoP: await proof(me, issuer, method, bare, token) },
  );
}
