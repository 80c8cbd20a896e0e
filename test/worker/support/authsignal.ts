import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { type ClientId, parseClientId } from "../../../src/core/ids.ts";
import { type Answer, type Deployment, fresh, type Json } from "./cotter.ts";

/** A client of this door: tenantId and apiSecretKey. */
export type Tenant = { readonly id: ClientId; readonly secret: string };

/** Registers a confidential client straight in the store. */
export async function newTenant(
  at: Deployment,
  settings: ClientSettings = {},
  over: { readonly webhookUrl?: string } = {},
): Promise<Tenant> {
  const id = parseClientId(fresh("tenant"));
  if (id === undefined) throw new Error("not a client id");
  const { secret, kept } = await at.services.secrets.make();
  await at.services.clients.insert(
    {
      id,
      name: `Shop ${id}`,
      kind: "confidential",
      redirectUris: [],
      allowedOrigins: ["https://shop.example"],
      grantTypes: ["authorization_code", "refresh_token"],
      publicKeys: [],
      settings,
      ...over,
    },
    kept,
    Date.now(),
  );
  return { id, secret };
}

export const basic = (name: string) => ({ Authorization: `Basic ${btoa(`${name}:`)}` });
export const bearer = (token: unknown) => ({ Authorization: `Bearer ${token}` });

/** What a backend calls. */
export const server = (
  at: Deployment,
  tenant: Tenant,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> => at.call(method, `/v1${path}`, body, basic(tenant.secret));

export const track = (
  at: Deployment,
  tenant: Tenant,
  user: string,
  action: string,
  body: Json = {},
): Promise<Answer> => server(at, tenant, "POST", `/users/${user}/actions/${action}`, body);

export type Key = { readonly text: string; sign(message: string): Promise<string> };

const toBase64 = (bytes: ArrayBuffer | Uint8Array): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** INTEGER of DER: shortest, with a zero in front of a high bit. */
function integer(bytes: Uint8Array): number[] {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const short = [...bytes.slice(start)];
  const body = (short[0] ?? 0) > 127 ? [0, ...short] : short;
  return [2, body.length, ...body];
}

/** The DER form of a raw ECDSA signature, as phones write it. */
export function derOf(raw: Uint8Array): Uint8Array {
  const body = [...integer(raw.slice(0, 32)), ...integer(raw.slice(32))];
  return Uint8Array.from([0x30, body.length, ...body]);
}

/** A P-256 key as a phone's keystore holds it. */
export async function newKey(): Promise<Key> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = (await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"])) as CryptoKeyPair;
  const spki = (await crypto.subtle.exportKey("spki", pair.publicKey)) as ArrayBuffer;
  return {
    text: toBase64(spki),
    async sign(message) {
      const raw = await crypto.subtle.sign(
        { name: "ECDSA", hash: "SHA-256" },
        pair.privateKey,
        new TextEncoder().encode(message),
      );
      return toBase64(derOf(new Uint8Array(raw)));
    },
  };
}

export type Phone = { readonly key: Key; readonly namespace: string; readonly tenant: Tenant };

const CREDENTIALS = "/v1/client/user-authenticators";

/** What a phone calls in its namespace, as its tenant. */
export const phoneCall = (
  at: Deployment,
  phone: Phone,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  at.call(method, `${CREDENTIALS}/${phone.namespace}${path}`, body, {
    ...basic(phone.tenant.id),
    ...headers,
  });

/** Enrols a new key by a backend's token; the answer and the phone. */
export async function enrol(
  at: Deployment,
  tenant: Tenant,
  user: string,
  namespace = "push",
): Promise<Phone & { readonly id: string }> {
  const { body } = await track(at, tenant, user, "addAuthenticator", { scope: "add:authenticators" });
  const key = await newKey();
  const added = await at.call(
    "POST",
    `${CREDENTIALS}/${namespace}`,
    { publicKey: key.text, deviceName: "Jane's iPhone", devicePlatform: "ios" },
    bearer(body.token),
  );
  if (added.status !== 200) throw new Error(`enrolment answered ${JSON.stringify(added.body)}`);
  return { key, namespace, tenant, id: String(added.body.userAuthenticatorId) };
}

/** A tracked action and the push challenge that its page started. */
export async function startPush(
  at: Deployment,
  tenant: Tenant,
  user: string,
  action = "signIn",
  body: Json = {},
): Promise<{ readonly token: string; readonly key: string; readonly id: string; readonly answer: Answer }> {
  const tracked = await track(at, tenant, user, action, body);
  const token = String(tracked.body.token);
  const answer = await at.call("POST", "/v1/client/challenge/push", { action }, bearer(token));
  return { token, key: String(tracked.body.idempotencyKey), id: String(answer.body.challengeId), answer };
}

export const poll = (at: Deployment, token: string, challengeId: string): Promise<Answer> =>
  at.call("POST", "/v1/client/verify/push", { challengeId }, bearer(token));

/** The phone's answer, signed as the SDKs sign; `change` spoils one part of it. */
export const answer = async (
  at: Deployment,
  phone: Phone,
  challengeId: string,
  approved: boolean,
  change: Json = {},
): Promise<Answer> =>
  phoneCall(at, phone, "POST", "/challenge", {
    challengeId,
    publicKey: phone.key.text,
    approved,
    signature: await phone.key.sign(challengeId),
    ...change,
  });

export const validate = (at: Deployment, tenant: Tenant, body: Json): Promise<Answer> =>
  server(at, tenant, "POST", "/validate", body);

/** `publicKey` of a query as iOS writes it. */
export const inQuery = (key: Key): string =>
  btoa(key.text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
