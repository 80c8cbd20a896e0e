import { canonicalJson, type JsonValue } from "@countersign/protocol/canonical";
import { CompactSign, calculateJwkThumbprint, exportJWK, SignJWT } from "jose";
import { toBase64Url } from "../../../src/core/base64.ts";
import { ownClient, ownClientId } from "../../../src/core/client/own-client.ts";
import { type Ticket, writeTicket } from "../../../src/core/device/ticket.ts";
import { MAIN, type UserId } from "../../../src/core/ids.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { adoptIdentifier } from "../../../src/core/user/adopt.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";
import { newAuthenticator, type Spoilt } from "../../fakes/authenticator.ts";
import { fresh } from "./cotter.ts";
import { handleOf } from "./oauth-passkeys.ts";

export const ORIGIN = "http://localhost:8787";

/** What these phones need of a deployment: its services, and somewhere to send requests. */
export type At = {
  readonly services: Services;
  ask(path: string, init: RequestInit): Promise<Response>;
};

// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
export type Answer = { readonly status: number; readonly body: any; readonly headers: Headers };

async function sent(at: At, path: string, init: RequestInit): Promise<Answer> {
  const answer = await at.ask(path, init);
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : JSON.parse(text), headers: answer.headers };
}

/** The key of a page: it signs each call. */
export async function newPageKey() {
  const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const jwk = { kty, crv, x, y } as { kty: string; crv: string; x: string; y: string };
  const jkt = await calculateJwkThumbprint(jwk);
  const proof = async (
    method: string,
    path: string,
    over: { readonly token?: string; readonly claims?: Readonly<Record<string, unknown>> } = {},
  ): Promise<string> => {
    const { token, claims } = over;
    const digest = token && (await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
    return await new SignJWT({
      htm: method,
      htu: `${ORIGIN}${path}`,
      jti: crypto.randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      ...(digest ? { ath: toBase64Url(new Uint8Array(digest)) } : {}),
      ...claims,
    })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk })
      .sign(pair.privateKey);
  };
  return { jwk, jkt, proof, privateKey: pair.privateKey };
}
export type PageKey = Awaited<ReturnType<typeof newPageKey>>;

/** Somebody who has proven an address; straight in the store. */
export async function newOwner(
  at: At,
  realm = MAIN,
): Promise<{ readonly id: UserId; readonly address: string }> {
  const address = `${fresh("ana")}@example.com`;
  const identifier = readIdentifier(address);
  if (!identifier) throw new Error("no address");
  const client = ownClient(realm, "Countersign");
  const adopted = await adoptIdentifier(at.services, { identifier, client, origin: {}, began: Date.now() });
  if (!adopted.ok) throw new Error(adopted.error.code);
  const { id } = adopted.value.user;
  return { id, address };
}

/** Leave to add a phone, as a session of a moment ago gives it. */
export const ticketFor = (at: At, userId: UserId, over: Partial<Ticket> = {}): Promise<string> =>
  writeTicket(at.services, {
    id: crypto.randomUUID(),
    userId,
    realm: MAIN,
    clientId: ownClientId(MAIN),
    since: Date.now(),
    until: Date.now() + 60_000,
    ...over,
  });

type Kind = "passkey" | "key";

/** Posts to an open call of the door. */
export const post = (
  at: At,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  sent(at, `/approver${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...headers },
  });

/** Enrols a phone by a ticket; the answer as it came, and the phone if one came of it. */
export async function enrolPhone(
  at: At,
  ticket: string,
  kind: Kind = "passkey",
  more: Readonly<Record<string, unknown>> = {},
) {
  const key = await newPageKey();
  const authenticator = kind === "passkey" ? await newAuthenticator() : undefined;
  const begun = await post(at, "/enrolments/begin", { ticket, ...more });
  if (begun.status !== 200) return { answer: begun };
  const { enrolment, public_key: asked } = begun.body;
  const made =
    authenticator &&
    (await authenticator.create({ challenge: asked.challenge, origin: ORIGIN, rpId: "localhost" }));
  const answer = await post(
    at,
    "/enrolments",
    { enrolment, name: "Ana's phone", ...(made ? { passkey: made } : {}) },
    { DPoP: await key.proof("POST", "/approver/enrolments") },
  );
  return answer.status === 201 ? { answer, phone: phoneOf(at, key, answer.body, authenticator) } : { answer };
}

type Authenticator = Awaited<ReturnType<typeof newAuthenticator>>;

/** A phone that is enrolled: it calls, and signs. */
// biome-ignore lint/suspicious/noExplicitAny: what the door has answered
export function phoneOf(at: At, key: PageKey, session: any, authenticator?: Authenticator) {
  const deviceId: string = session.device.id;
  const token: string = session.token;
  const headers = async (method: string, path: string) => ({
    Authorization: `DPoP ${token}`,
    DPoP: await key.proof(method, `/approver${path}`, { token }),
  });
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> =>
    await sent(at, `/approver${path}`, {
      method,
      headers: {
        ...(await headers(method, path.split("?")[0] ?? "")),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  /** What this device sends for its signature over a text. */
  const signText = async (text: string, spoilt: Spoilt = {}): Promise<Readonly<Record<string, unknown>>> => {
    if (!authenticator) {
      const jws = new CompactSign(new TextEncoder().encode(text)).setProtectedHeader({
        alg: "ES256",
        kid: deviceId,
        typ: "countersign+jws",
      });
      return { signature: await jws.sign(key.privateKey) };
    }
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const challenge = toBase64Url(new Uint8Array(digest));
    return { passkey: await authenticator.get({ challenge, origin: ORIGIN, rpId: "localhost" }, spoilt) };
  };
  const sign = (value: JsonValue, spoilt: Spoilt = {}) => signText(canonicalJson(value), spoilt);
  const prompts = async () => (await call("GET", "/prompts")).body.prompts;
  const decide = async (
    // biome-ignore lint/suspicious/noExplicitAny: a prompt as the door has shown it
    prompt: any,
    said: Readonly<Record<string, JsonValue>>,
    over: Readonly<Record<string, unknown>> = {},
  ) =>
    await call("POST", `/prompts/${prompt.id}/decision`, {
      ...said,
      ...(await sign({ ...prompt.payload, ...said })),
      ...over,
    });
  const act = async (path: string, use: string, more: Readonly<Record<string, JsonValue>> = {}) => {
    const at = Math.floor(Date.now() / 1000);
    const signed = await sign({ v: 1, iss: ORIGIN, use, device: deviceId, at, ...more });
    return await call("POST", path, { at, ...signed });
  };
  return { deviceId, token, key, authenticator, call, headers, sign, signText, prompts, decide, act };
}
export type Phone = ReturnType<typeof phoneOf>;

/** Somebody with one phone. */
export async function newPhoneOwner(at: At, kind: Kind = "passkey") {
  const owner = await newOwner(at);
  return { ...owner, phone: await newPhoneOf(at, owner.id, kind) };
}

/** A phone of this user, by a ticket that opens. */
export async function newPhoneOf(
  at: At,
  userId: UserId,
  kind: Kind = "passkey",
  over: Partial<Ticket> = {},
): Promise<Phone> {
  const { phone, answer } = await enrolPhone(at, await ticketFor(at, userId, over), kind);
  if (!phone) throw new Error(`no phone: ${answer.status} ${JSON.stringify(answer.body)}`);
  return phone;
}

/** What a browser sends for a session of a passkey that it has; `over` replaces parts of it. */
export async function openByPasskey(
  at: At,
  userId: UserId,
  authenticator: Authenticator,
  spoilt: Spoilt = {},
  over: Readonly<Record<string, unknown>> = {},
): Promise<{ answer: Answer; key: PageKey }> {
  const key = await newPageKey();
  const begun = await post(at, "/sessions/begin", { jkt: key.jkt });
  const { challenge } = begun.body;
  const signed = await authenticator.get({ challenge, origin: ORIGIN, rpId: "localhost" }, spoilt);
  const answer = await post(
    at,
    "/sessions",
    { passkey: { challenge, ...signed, user_handle: handleOf(userId), ...over } },
    { DPoP: await key.proof("POST", "/approver/sessions") },
  );
  return { answer, key };
}

/** What a device of a key sends for a session. */
export const openByKey = async (at: At, key: PageKey, deviceId: string): Promise<Answer> =>
  post(at, "/sessions", { device_id: deviceId }, { DPoP: await key.proof("POST", "/approver/sessions") });
