import { waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { makeApp } from "../../../src/app.ts";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { type ClientId, parseClientId } from "../../../src/core/ids.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { ok } from "../../../src/core/result.ts";
import { parseEnv } from "../../../src/env.ts";
import { wiring } from "../../../src/wiring.ts";
import { newContext } from "./contexts.ts";

const app = makeApp();

export type Json = Record<string, unknown>;
export type Answer = { readonly status: number; readonly body: Json; readonly headers: Headers };

/** A deployment as the Worker sees it, with parts of its environment or of its services replaced. */
export type Deployment = {
  /** `signal` is the caller's connection: aborted, it has hung up. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  services: Services;
  /** Waits for the work that outlived the answers. */
  settled(): Promise<void>;
};

/** The whole Worker over the real bindings; `over` replaces bindings, `change` replaces powers; `send` takes a request as it is. */
export function deployment(
  over: Record<string, unknown> = {},
  change: (services: Services) => Partial<Services> = () => ({}),
): Deployment & { send(request: Request): Promise<Answer> } {
  const parsed = parseEnv({ ...env, ...over });
  if (!parsed.ok) throw new Error(`bad test environment: ${parsed.error.join(", ")}`);
  const contexts: ExecutionContext[] = [];
  const wire = () => {
    const context = newContext();
    contexts.push(context);
    const services = wiring(parsed.value, context);
    return { context, services: { ...services, ...change(services) } };
  };
  const send = async (request: Request): Promise<Answer> => {
    const { context, services } = wire();
    const response = await app.fetch(request, ok(services), context);
    await waitOnExecutionContext(context);
    // Of a socket its status is what a test asks for.
    response.webSocket?.accept();
    response.webSocket?.close();
    const text = await response.text();
    return {
      status: response.status,
      body: text === "" ? {} : JSON.parse(text),
      headers: response.headers,
    };
  };
  return {
    services: wire().services,
    send,
    async call(method, path, body, headers = {}, signal) {
      const request = new Request(`http://localhost:8787${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      return await send(request);
    },
    async settled() {
      for (const context of contexts) await waitOnExecutionContext(context);
    },
  };
}

let counter = 0;
/** A name that no other test of this file uses. */
export const fresh = (word: string): string => `${word}-${++counter}-${crypto.randomUUID().slice(0, 8)}`;

/** Registers a public client straight in the store. */
export async function newClient(at: Deployment, settings: ClientSettings = {}): Promise<ClientId> {
  const id = parseClientId(fresh("client"));
  if (id === undefined) throw new Error("not a client id");
  await at.services.clients.insert(
    {
      id,
      name: `Shop ${id}`,
      kind: "public",
      redirectUris: [],
      allowedOrigins: ["https://shop.example"],
      grantTypes: ["authorization_code", "refresh_token"],
      publicKeys: [],
      settings,
    },
    undefined,
    Date.now(),
  );
  return id;
}

export type Phone = {
  readonly publicKey: string;
  sign(message: string): Promise<string>;
};

const base64 = (bytes: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** A phone with a real Ed25519 key. */
export async function newPhone(): Promise<Phone> {
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
  return {
    publicKey: base64((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer),
    sign: async (message) =>
      base64(await crypto.subtle.sign("Ed25519", pair.privateKey, new TextEncoder().encode(message))),
  };
}

export type Person = { readonly id: string; readonly identifier: string; readonly phone: Phone };

/** A user with one enrolled phone, through the wire. */
export async function newPerson(at: Deployment, client: ClientId): Promise<Person & { tokens: Json }> {
  const identifier = `${fresh("ana")}@example.com`;
  const headers = { API_KEY_ID: client };
  const user = await at.call("POST", "/api/v0/user/create", { identifier }, headers);
  const phone = await newPhone();
  const id = String(user.body.ID);
  const enrolled = await at.call(
    "PUT",
    `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`,
    {
      method: "TRUSTED_DEVICE",
      enrolled: true,
      code: phone.publicKey,
      algorithm: "ED25519",
      device_name: "Pixel",
      device_type: "MOBILE",
    },
    headers,
  );
  if (enrolled.status !== 200) throw new Error(`enrolment answered ${JSON.stringify(enrolled.body)}`);
  return { id, identifier, phone, tokens: enrolled.body.oauth_token as Json };
}

/** A laptop asks to come in. */
export const start = (at: Deployment, client: ClientId, person: Person, event = "LOGIN"): Promise<Answer> =>
  at.call(
    "POST",
    "/api/v0/event/create_pending",
    {
      client_user_id: person.id,
      issuer: client,
      event,
      timestamp: "1",
      method: "TRUSTED_DEVICE",
      ip: "unknown",
      location: "unknown",
    },
    { API_KEY_ID: client },
  );

/** What the phone is shown: an event or null. */
export const prompt = async (at: Deployment, client: ClientId, person: Person): Promise<Json | null> =>
  (await at.call("GET", `/api/v0/event/new/${person.id}`, undefined, { API_KEY_ID: client }))
    .body as Json | null;

export type ResponseChange = {
  readonly phone?: Phone;
  readonly message?: (parts: string[]) => string[];
  readonly body?: Json;
  readonly respondId?: unknown;
};

/** The phone's answer to an event, signed as the SDKs sign; `change` spoils one part of it. */
export async function respond(
  at: Deployment,
  client: ClientId,
  person: Person,
  event: Json,
  approved: boolean,
  change: ResponseChange = {},
): Promise<Answer> {
  const parts = [
    person.id,
    client,
    String(event.event),
    String(event.timestamp),
    "TRUSTED_DEVICE",
    `${approved}`,
  ];
  const phone = change.phone ?? person.phone;
  return at.call(
    "POST",
    `/api/v0/event/respond/${change.respondId ?? event.ID}`,
    {
      client_user_id: person.id,
      issuer: client,
      event: event.event,
      timestamp: event.timestamp,
      method: "TRUSTED_DEVICE",
      ip: "unknown",
      location: "unknown",
      approved,
      public_key: phone.publicKey,
      algorithm: "ED25519",
      code: await phone.sign((change.message?.(parts) ?? parts).join("")),
      ...change.body,
    },
    { API_KEY_ID: client },
  );
}

/** The laptop's poll. */
export const poll = (
  at: Deployment,
  client: ClientId,
  event: Json,
  query = "?oauth_token=true",
): Promise<Answer> =>
  at.call("GET", `/api/v0/event/get/${event.ID}${query}`, undefined, { API_KEY_ID: client });

/** The laptop opens the socket that it was told of. */
export const openSocket = (at: Deployment, event: Json): Promise<Answer> => {
  const { pathname, search } = new URL(String(event.socket_uri));
  const headers = { Upgrade: "websocket", Authorization: `Bearer ${event.ID}` };
  return at.call("GET", `${pathname}${search}`, undefined, headers);
};

/** A refresh. */
export const refresh = (at: Deployment, client: ClientId, token: unknown): Promise<Answer> =>
  at.call(
    "POST",
    "/api/v0/token",
    { grant_type: "refresh_token", refresh_token: token },
    { API_KEY_ID: client },
  );

/** The claims of a token, unverified. */
export const claimsOf = (token: unknown): Json => {
  const part = String(token).split(".")[1] ?? "";
  return JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/"))) as Json;
};
