import { env } from "cloudflare:workers";
import type { AuditEvent } from "../../src/core/audit/event.ts";
import type { Device } from "../../src/core/device/device.ts";
import {
  type ClientId,
  type DeviceId,
  type GrantId,
  MAIN,
  parseUserId,
  type Realm,
  type UserId,
} from "../../src/core/ids.ts";
import type { StoredKey } from "../../src/core/keys/key.ts";
import type { GrantListing } from "../../src/core/message/queue.ts";
import type { NewClient, NonceUse } from "../../src/core/ports/clients.ts";
import type { UserCodeRow } from "../../src/core/ports/records.ts";
import type { NewUser } from "../../src/core/ports/users.ts";
import type { Authenticator } from "../../src/core/user/authenticator.ts";
import { readIdentifier } from "../../src/core/user/identifier.ts";
import type { NameView } from "../../src/core/user/name-view.ts";
import type { AssertedBy } from "../../src/core/user/user.ts";
import type { Action } from "../../src/doors/authsignal/action/action.ts";

export const NOW = 1_790_000_000_000;
export const CLIENT = "app" as ClientId;

/** How many calls race for one thing. */
export const RACERS = 20;
export const race = <T>(run: (racer: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: RACERS }, (_, racer) => run(racer)));

export const newUserId = (): UserId => parseUserId(crypto.randomUUID())!;
export const newDeviceId = (): DeviceId => crypto.randomUUID() as DeviceId;
export const newGrantId = (): GrantId =>
  (crypto.randomUUID() + crypto.randomUUID()).replaceAll("-", "") as GrantId;

export const makeEvent = (parts: Partial<AuditEvent> = {}): AuditEvent => ({
  id: crypto.randomUUID(),
  at: NOW,
  type: "test",
  actor: "system",
  ...parts,
});

export const makeDevice = (parts: Partial<Device> = {}): Device => ({
  id: newDeviceId(),
  userId: newUserId(),
  realm: MAIN,
  key: { algorithm: "Ed25519", bytes: "cHVibGlj", fingerprint: crypto.randomUUID() },
  name: "Phone",
  kind: "ios",
  door: "cotter",
  clientId: CLIENT,
  enrolledAt: NOW,
  ...parts,
});

export const makeGrant = (parts: Partial<GrantListing> = {}): GrantListing => ({
  id: newGrantId(),
  userId: newUserId(),
  clientId: CLIENT,
  scope: "openid",
  amr: ["pop"],
  createdAt: NOW,
  ...parts,
});

export const makeClient = (parts: Partial<NewClient> = {}): NewClient & { readonly realm: Realm } => ({
  realm: MAIN,
  id: crypto.randomUUID() as ClientId,
  name: "App",
  kind: "confidential",
  redirectUris: ["https://app.example/back"],
  allowedOrigins: ["https://app.example"],
  grantTypes: ["authorization_code", "refresh_token"],
  publicKeys: [],
  settings: { access_token_seconds: 60, issuer: { cotter: "legacy" } },
  ...parts,
});

export const makeCode = (parts: Partial<UserCodeRow> = {}): UserCodeRow => ({
  hash: crypto.randomUUID(),
  kind: "device",
  purpose: "sign_in",
  clientId: CLIENT,
  challengeId: newGrantId(),
  expiresAt: NOW + 1_000,
  ...parts,
});

export const makeAction = (parts: Partial<Action> = {}): Action => ({
  clientId: CLIENT,
  userId: newUserId(),
  code: "signIn",
  idempotencyKey: crypto.randomUUID(),
  state: "challenge_required",
  stateAt: NOW,
  createdAt: NOW,
  context: { name: "u" },
  ...parts,
});

export const makeAuthenticator = (parts: Partial<Authenticator> = {}): Authenticator => ({
  userId: newUserId(),
  id: crypto.randomUUID(),
  kind: "email",
  identifier: "x@example.com",
  createdAt: NOW,
  ...parts,
});

export const makeNonce = (parts: Partial<NonceUse> = {}): NonceUse => ({
  clientId: CLIENT,
  hash: crypto.randomUUID(),
  expiresAt: NOW + 1_000,
  ...parts,
});

export const makeKey = (parts: Partial<StoredKey> = {}): StoredKey => ({
  lane: "standard",
  generation: 1,
  kid: crypto.randomUUID(),
  algorithm: "ES256",
  publicJwk: { kty: "EC", crv: "P-256", x: "eA", y: "eQ" },
  wrappedPrivate: "d3JhcHBlZA",
  wrappedBy: 1,
  createdAt: NOW,
  activatesAt: NOW,
  ...parts,
});

/** The same, once the user whose it is stands, and the device that it names. */
export async function withUser<T extends { readonly userId: UserId; readonly deviceId?: DeviceId }>(
  thing: T,
): Promise<T> {
  const { userId, deviceId } = thing;
  await env.DB.prepare(
    "insert or ignore into users (id, status, created_at, updated_at) values (?, 'active', 0, 0)",
  )
    .bind(userId)
    .run();
  if (deviceId === undefined) return thing;
  const device = makeDevice({ id: deviceId, userId });
  await env.DB.prepare(
    `insert or ignore into devices (id, user_id, fingerprint, algorithm, public_key, name, kind, door, client_id, enrolled_at)
      values (?, ?, ?, 'EC', '', '', '', 'cotter', 'app', 0)`,
  )
    .bind(deviceId, userId, device.key.fingerprint)
    .run();
  return thing;
}

/** An identifier as a door hands it over. */
export function given(text: string, assertedBy: AssertedBy = "admin", verifiedAt?: number, client = CLIENT) {
  const read = readIdentifier(text)!;
  return {
    ...read,
    assertedBy,
    ...(assertedBy === "admin" ? {} : { client }),
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
  };
}

/** Whose words a client goes by. */
export const viewOf = (client = CLIENT, from: readonly ClientId[] = [], realm: Realm = MAIN): NameView => ({
  realm,
  client,
  from,
});

export const makeUser = (parts: Partial<NewUser> = {}): NewUser => ({
  id: newUserId(),
  realm: MAIN,
  identifiers: [given(`${crypto.randomUUID()}@example.com`)],
  ...parts,
});

/** Rows of a table, past every adapter. */
export async function countOf(table: string): Promise<number> {
  const row = await env.DB.prepare(`select count(*) as n from ${table}`).first<{ n: number }>();
  return row?.n ?? Number.NaN;
}

/** What every row of a table holds, past every adapter. */
export const rowsOf = async (table: string): Promise<Record<string, unknown>[]> =>
  (await env.DB.prepare(`select * from ${table}`).all()).results;
