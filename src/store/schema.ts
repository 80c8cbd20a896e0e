import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Door, JsonObject } from "../core/challenge/state.ts";
import type { ClientKind, GrantType } from "../core/client/client.ts";
import type { ClientSettings } from "../core/client/settings.ts";
import type { KeyAlgorithm } from "../core/device/device.ts";
import {
  type ChallengeId,
  type ClientId,
  type DeviceId,
  type GrantId,
  MAIN,
  type Realm,
  type UserId,
} from "../core/ids.ts";
import type { Lane, StoredKey } from "../core/keys/key.ts";
import type { AuthenticatorKind, Profile } from "../core/user/authenticator.ts";
import type { AssertedBy, IdentifierKind, UserStatus } from "../core/user/user.ts";
import type { Owner } from "./owners.ts";

// Instants are integer milliseconds. "WITHOUT ROWID" beside a table: drizzle-kit cannot say it, so the migration that makes
// the table is edited by hand; it halves the rows that an insert writes. A migration that rebuilds the table must say it again.

const instant = (name: string) => integer(name);
const json = (name: string) => text(name, { mode: "json" });
const realm = () => text("realm").$type<Realm>().notNull().default(MAIN);

export const clients = sqliteTable("clients", {
  id: text("id").$type<ClientId>().primaryKey(),
  name: text("name").notNull(),
  kind: text("kind").$type<ClientKind>().notNull(),
  // HMAC under the pepper for looking up, AES-GCM under the key-encryption key for signing webhooks.
  secretHash: text("secret_hash").unique(),
  secretSealed: text("secret_sealed"),
  oldSecretHash: text("old_secret_hash").unique(),
  oldSecretSealed: text("old_secret_sealed"),
  oldSecretUntil: instant("old_secret_until"),
  redirectUris: json("redirect_uris").$type<readonly string[]>().notNull(),
  allowedOrigins: json("allowed_origins").$type<readonly string[]>().notNull(),
  grantTypes: json("grant_types").$type<readonly GrantType[]>().notNull(),
  publicKeys: json("public_keys").$type<readonly string[]>().notNull(),
  webhookUrl: text("webhook_url"),
  notificationEndpoint: text("notification_endpoint"),
  settings: json("settings").$type<ClientSettings>().notNull(),
  disabledAt: instant("disabled_at"),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
  realm: realm(),
});

/** WITHOUT ROWID. A name is unique among those of its owner (`store/owners.ts`). */
export const users = sqliteTable(
  "users",
  {
    id: text("id").$type<UserId>().primaryKey(),
    externalId: text("external_id"),
    externalAssertedBy: text("external_asserted_by").$type<AssertedBy>(),
    status: text("status").$type<UserStatus>().notNull(),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
    realm: realm(),
    externalOwner: text("external_owner").$type<Owner>(),
    externalClient: text("external_client").$type<ClientId>(),
    // When everything of theirs was ended last; stays when they are active again.
    endedAt: instant("ended_at"),
  },
  (table) => [
    uniqueIndex("users_external_name")
      .on(table.realm, table.externalId, table.externalOwner)
      .where(sql`external_id is not null`),
  ],
);

/** WITHOUT ROWID. The owner is part of the key: one giver's word stands beside another's and shadows nothing. */
export const identifiers = sqliteTable(
  "identifiers",
  {
    realm: realm(),
    kind: text("kind").$type<IdentifierKind>().notNull(),
    normal: text("normal").notNull(),
    owner: text("owner").$type<Owner>().notNull(),
    value: text("value").notNull(),
    userId: text("user_id").$type<UserId>().notNull(),
    assertedBy: text("asserted_by").$type<AssertedBy>().notNull(),
    client: text("client_id").$type<ClientId>(),
    verifiedAt: instant("verified_at"),
    vouchedAt: instant("vouched_at"),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.realm, table.kind, table.normal, table.owner] }),
    index("identifiers_user").on(table.userId),
  ],
);

/** WITHOUT ROWID. The partial unique index lets a key belong to one live device of a realm at most. */
export const devices = sqliteTable(
  "devices",
  {
    id: text("id").$type<DeviceId>().primaryKey(),
    userId: text("user_id").$type<UserId>().notNull(),
    fingerprint: text("fingerprint").notNull(),
    algorithm: text("algorithm").$type<KeyAlgorithm>().notNull(),
    publicKey: text("public_key").notNull(),
    name: text("name").notNull(),
    kind: text("kind").notNull(),
    door: text("door").$type<Door>().notNull(),
    clientId: text("client_id").$type<ClientId>().notNull(),
    enrolledAt: instant("enrolled_at").notNull(),
    revokedAt: instant("revoked_at"),
    revokedReason: text("revoked_reason"),
    // Of a passkey only.
    credentialId: text("credential_id"),
    signCount: integer("sign_count"),
    realm: realm(),
    letInBy: text("let_in_by").$type<ClientId>(),
    // Of a passkey: 1 or 0; null until it has told.
    backupEligible: integer("backup_eligible", { mode: "boolean" }),
    backedUp: integer("backed_up", { mode: "boolean" }),
    // 1 of a device that a code alone has let in; null otherwise.
    byCode: integer("by_code", { mode: "boolean" }),
  },
  (table) => [
    uniqueIndex("devices_realm_key").on(table.fingerprint, table.realm).where(sql`revoked_at is null`),
    uniqueIndex("devices_realm_credential")
      .on(table.credentialId, table.realm)
      .where(sql`revoked_at is null and credential_id is not null`),
    index("devices_user").on(table.userId),
  ],
);

/** WITHOUT ROWID. */
export const userCodes = sqliteTable(
  "user_codes",
  {
    hash: text("code_hash").primaryKey(),
    kind: text("kind").notNull(),
    purpose: text("purpose").notNull(),
    clientId: text("client_id").$type<ClientId>().notNull(),
    userId: text("user_id").$type<UserId>(),
    challengeId: text("challenge_id").$type<ChallengeId>().notNull(),
    expiresAt: instant("expires_at").notNull(),
  },
  (table) => [
    index("user_codes_expiry").on(table.expiresAt),
    index("user_codes_user").on(table.userId, table.kind, table.purpose).where(sql`user_id is not null`),
  ],
);

/** WITHOUT ROWID. At most one set of a user, numbered from 1; used ones stay until a new set replaces it. */
export const recoveryCodes = sqliteTable(
  "recovery_codes",
  {
    userId: text("user_id").$type<UserId>().notNull(),
    number: integer("number").notNull(),
    hash: text("code_hash").notNull(),
    madeAt: instant("made_at").notNull(),
    usedAt: instant("used_at"),
  },
  (table) => [primaryKey({ columns: [table.userId, table.number] })],
);

/** WITHOUT ROWID. What a client signs for one call only: a second insert of the same name is refused (settled question 25). */
export const usedNonces = sqliteTable(
  "used_nonces",
  {
    clientId: text("client_id").$type<ClientId>().notNull(),
    nonceHash: text("nonce_hash").notNull(),
    // Digest of the one request that may come again with it; null: none may.
    useHash: text("use_hash"),
    expiresAt: instant("expires_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.clientId, table.nonceHash] }),
    index("used_nonces_expiry").on(table.expiresAt),
  ],
);

/** WITHOUT ROWID. A list only: whether a grant lives is known to its object alone. */
export const grants = sqliteTable(
  "grants",
  {
    userId: text("user_id").$type<UserId>().notNull(),
    id: text("id").$type<GrantId>().notNull(),
    clientId: text("client_id").$type<ClientId>().notNull(),
    deviceId: text("device_id").$type<DeviceId>(),
    scope: text("scope").notNull(),
    amr: json("amr").$type<readonly string[]>().notNull(),
    createdAt: instant("created_at").notNull(),
    // Of a grant that was approved in a browser: its session, a grant of the same user.
    sessionId: text("session_id").$type<GrantId>(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.id] })],
);

/** WITHOUT ROWID. Private halves are wrapped; whether a key is next, current or retired follows from the clock. */
export const signingKeys = sqliteTable(
  "signing_keys",
  {
    lane: text("lane").$type<Lane>().notNull(),
    generation: integer("generation").notNull(),
    kid: text("kid").notNull(),
    algorithm: text("algorithm").$type<StoredKey["algorithm"]>().notNull(),
    publicJwk: json("public_jwk").$type<Readonly<Record<string, string>>>().notNull(),
    wrappedPrivate: text("wrapped_private").notNull(),
    wrappedBy: integer("wrapped_by").notNull(),
    createdAt: instant("created_at").notNull(),
    activatesAt: instant("activates_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.lane, table.generation] })],
);

/** WITHOUT ROWID. Ids sort by time, so the primary key is the order of the trail. */
export const auditEvents = sqliteTable(
  "audit_events",
  {
    id: text("id").primaryKey(),
    at: instant("at").notNull(),
    type: text("type").notNull(),
    actor: text("actor").notNull(),
    userId: text("user_id").$type<UserId>(),
    clientId: text("client_id").$type<ClientId>(),
    deviceId: text("device_id").$type<DeviceId>(),
    ip: text("ip"),
    reason: text("reason"),
    data: json("data").$type<JsonObject>(),
  },
  (table) => [index("audit_events_user").on(table.userId, table.id).where(sql`user_id is not null`)],
);

/** WITHOUT ROWID. Who is to be forgotten: audit rows of theirs that come late are emptied too. */
export const erasures = sqliteTable("erasures", {
  userId: text("user_id").$type<UserId>().primaryKey(),
  at: instant("at").notNull(),
});

/** WITHOUT ROWID. The user comes first in the key, so that a user's rows are found when the user is deleted. */
export const actions = sqliteTable(
  "actions",
  {
    userId: text("user_id").$type<UserId>().notNull(),
    clientId: text("client_id").$type<ClientId>().notNull(),
    code: text("code").notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    state: text("state").notNull(),
    stateAt: instant("state_at").notNull(),
    createdAt: instant("created_at").notNull(),
    method: text("method"),
    verifiedBy: text("verified_by"),
    challengeId: text("challenge_id").$type<ChallengeId>(),
    context: json("context").$type<JsonObject>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.clientId, table.code, table.idempotencyKey] })],
);

/** WITHOUT ROWID. An address that was removed leaves its row, without the address: who had one once does not begin anew. */
export const authenticators = sqliteTable(
  "authenticators",
  {
    userId: text("user_id").$type<UserId>().notNull(),
    id: text("id").notNull(),
    kind: text("kind").$type<AuthenticatorKind>().notNull(),
    identifier: text("identifier"),
    pushToken: text("push_token"),
    createdAt: instant("created_at").notNull(),
    verifiedAt: instant("verified_at"),
    lastVerifiedAt: instant("last_verified_at"),
    // Of an address: the client that enrolled it.
    clientId: text("client_id").$type<ClientId>(),
    removedAt: instant("removed_at"),
  },
  (table) => [primaryKey({ columns: [table.userId, table.id] })],
);

/** WITHOUT ROWID. Of the version in which a user had one profile for all clients; rows are read no more, and go with their user. */
export const profiles = sqliteTable("profiles", {
  userId: text("user_id").$type<UserId>().primaryKey(),
  profile: json("profile").$type<Profile>().notNull(),
  updatedAt: instant("updated_at").notNull(),
});

/** WITHOUT ROWID. What one client's backend says of a user. */
export const clientProfiles = sqliteTable(
  "client_profiles",
  {
    userId: text("user_id").$type<UserId>().notNull(),
    clientId: text("client_id").$type<ClientId>().notNull(),
    profile: json("profile").$type<Profile>().notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.clientId] })],
);
