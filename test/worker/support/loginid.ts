import { auditEvent } from "../../../src/core/audit/record.ts";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { type ClientId, MAIN, newUserId, parseClientId, type UserId } from "../../../src/core/ids.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";
import type { AssertedBy } from "../../../src/core/user/user.ts";
import { type Answer, type Deployment, fresh, type Json } from "./cotter.ts";

const base64url = (bytes: ArrayBuffer | Uint8Array): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const encoded = (value: unknown): string => base64url(new TextEncoder().encode(JSON.stringify(value)));

export type Signing = { readonly pem: string; readonly pair: CryptoKeyPair };

/** A P-256 key as an operator registers it. */
export async function newSigning(): Promise<Signing> {
  const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey("spki", pair.publicKey)) as ArrayBuffer);
  const text = btoa(String.fromCharCode(...spki)).replaceAll(/.{64}(?!$)/g, "$&\n");
  return { pair, pem: `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----\n` };
}

export type Backend = { readonly id: ClientId; readonly signing: Signing };

/** A client with an API credential; a `public` one is a web client of the same deployment. */
export async function newBackend(
  at: Deployment,
  over: {
    id?: string;
    kind?: "confidential" | "public";
    settings?: ClientSettings;
    allowedOrigins?: string[];
  } = {},
): Promise<Backend> {
  const id = parseClientId(over.id ?? fresh("app")) as ClientId;
  const signing = await newSigning();
  await at.services.clients.insert(
    {
      id,
      name: "Shop",
      kind: over.kind ?? "confidential",
      redirectUris: [],
      allowedOrigins: over.allowedOrigins ?? [],
      grantTypes: [],
      publicKeys: [signing.pem],
      settings: over.settings ?? {},
    },
    undefined,
    Date.now(),
  );
  return { id, signing };
}

type Over = { settings?: ClientSettings; allowedOrigins?: string[] };

/** The web client of this backend: it takes the backend's codes and goes by the backend's names. */
export const newWeb = (at: Deployment, backend: Backend, over: Over = {}): Promise<Backend> =>
  newBackend(at, { ...over, kind: "public", settings: { names_from: [backend.id], ...over.settings } });

/** A backend with its web client, and a user as an operator makes one. */
export async function newScene(at: Deployment, over: { backend?: Over; web?: Over } = {}) {
  const backend = await newBackend(at, over.backend);
  return { backend, web: await newWeb(at, backend, over.web), ada: await newAda(at) };
}

/** A service token as the SDKs make it; `claims` and `header` spoil parts of it. */
export async function tokenOf(
  backend: Backend,
  type: string,
  claims: Json = {},
  header: Json = { alg: "ES256", typ: "JWT" },
): Promise<string> {
  const body = {
    client_id: backend.id,
    type,
    nonce: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    ...claims,
  };
  const input = `${encoded(header)}.${encoded(body)}`;
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    backend.signing.pair.privateKey,
    new TextEncoder().encode(input),
  );
  return `${input}.${base64url(signature)}`;
}

export type Ada = { readonly id: UserId; readonly username: string };

/** A user as an operator makes one. */
export async function newAda(
  at: Deployment,
  username = `${fresh("ada")}@example.com`,
  assertedBy: AssertedBy = "admin",
  client?: ClientId,
): Promise<Ada> {
  const id = newUserId(crypto.randomUUID());
  const identifier = readIdentifier(username);
  if (!identifier) throw new Error("not an identifier");
  const event = auditEvent(at.services, { type: "user.created", actor: "admin", userId: id });
  const made = await at.services.users.insert(
    { id, realm: MAIN, identifiers: [{ ...identifier, assertedBy, ...(client ? { client } : {}) }] },
    event,
    event.at,
  );
  if (!made.ok) throw new Error(made.error.code);
  return { id, username };
}

export type Asked = {
  readonly type?: string;
  readonly purpose?: string;
  readonly token?: string;
  readonly body?: Json;
  readonly base?: string;
};

const SCOPES: Readonly<Record<string, string>> = {
  generate: "codes.generate",
  authorize: "codes.authorize",
  "invalidate-all": "codes.invalidate",
};

/** One of the three calls of `/codes/{type}`. */
export async function codes(
  at: Deployment,
  backend: Backend,
  verb: "generate" | "authorize" | "invalidate-all",
  ada: Ada,
  asked: Asked = {},
): Promise<Answer> {
  const token = asked.token ?? (await tokenOf(backend, SCOPES[verb] ?? ""));
  return at.call(
    "POST",
    `${asked.base ?? "/api/native"}/codes/${asked.type ?? "short"}/${verb}`,
    {
      client_id: backend.id,
      user_id: ada.id,
      purpose: asked.purpose ?? "temporary_authentication",
      ...asked.body,
    },
    { Authorization: `Bearer ${token}` },
  );
}

/** A code that was given out. */
export async function generated(
  at: Deployment,
  backend: Backend,
  ada: Ada,
  asked: Asked = {},
): Promise<string> {
  const answer = await codes(at, backend, "generate", ada, asked);
  if (answer.status !== 200) throw new Error(`generate answered ${JSON.stringify(answer.body)}`);
  return String(answer.body.code);
}

/** The new device waits. */
export const waitOn = (
  at: Deployment,
  client: { readonly id: string },
  ada: Pick<Ada, "username">,
  code: unknown,
  over: Json = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  at.call(
    "POST",
    "/api/native/authenticate/code/wait",
    {
      client_id: client.id,
      username: ada.username,
      authentication_code: { code, type: "short" },
      ...over,
    },
    headers,
  );
