import type * as z from "zod";
import type { AuditEvent } from "../../core/audit/event.ts";
import type { Client } from "../../core/client/client.ts";
import type { ClientDraft, ClientPatch, SettingsPatch } from "../../core/client/manage.ts";
import type { ClientSettings } from "../../core/client/settings.ts";
import type { Device } from "../../core/device/device.ts";
import { MAIN } from "../../core/ids.ts";
import type { ListedKey } from "../../core/keys/key.ts";
import type { GrantListing } from "../../core/message/queue.ts";
import type { Page } from "../../core/page.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import type { Instant } from "../../core/time.ts";
import type { Authenticator } from "../../core/user/authenticator.ts";
import type { UserDraft, UserQuery } from "../../core/user/create.ts";
import type { UserPatch } from "../../core/user/update.ts";
import type { IdentifierKind } from "../../core/user/user.ts";
import type {
  auditQuerySchema,
  clientPatchSchema,
  newClientSchema,
  newUserSchema,
  userListSchema,
  userPatchSchema,
} from "./schema.ts";

/** ISO 8601 with milliseconds: how every instant travels here. */
const iso = (at: Instant): string => new Date(at).toISOString();
const isoOrNull = (at: Instant | undefined): string | null => (at === undefined ? null : iso(at));

type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };
/** The same without the members that are undefined. */
const defined = <T extends object>(value: T): Partial<Defined<T>> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<
    Defined<T>
  >;

export const clientDraft = (body: z.output<typeof newClientSchema>): ClientDraft => ({
  id: body.client_id,
  realm: body.realm,
  name: body.name,
  kind: body.kind,
  redirectUris: body.redirect_uris,
  allowedOrigins: body.allowed_origins,
  grantTypes: body.grant_types,
  publicKeys: body.public_keys,
  webhookUrl: body.webhook_url ?? undefined,
  notificationEndpoint: body.notification_endpoint ?? undefined,
  settings: defined(body.settings) as ClientSettings,
});

export const clientPatch = (body: z.output<typeof clientPatchSchema>): ClientPatch =>
  defined({
    name: body.name,
    redirectUris: body.redirect_uris,
    allowedOrigins: body.allowed_origins,
    grantTypes: body.grant_types,
    publicKeys: body.public_keys,
    webhookUrl: body.webhook_url,
    notificationEndpoint: body.notification_endpoint,
    settings: body.settings && (defined(body.settings) as SettingsPatch),
    disabled: body.disabled,
  });

export const clientWire = (client: Client) => ({
  client_id: client.id,
  realm: client.realm,
  name: client.name,
  kind: client.kind,
  redirect_uris: client.redirectUris,
  allowed_origins: client.allowedOrigins,
  grant_types: client.grantTypes,
  public_keys: client.publicKeys,
  webhook_url: client.webhookUrl ?? null,
  notification_endpoint: client.notificationEndpoint ?? null,
  settings: client.settings,
  disabled: client.disabledAt !== undefined,
  disabled_at: isoOrNull(client.disabledAt),
  created_at: iso(client.createdAt),
  updated_at: iso(client.updatedAt),
});

/** The addresses of a call that says `verified` count as proven, on the operator's word; a username proves nothing. */
const seen = (kind: IdentifierKind, verified: boolean, now: Instant) =>
  verified && kind !== "username" ? { verifiedAt: now } : {};

export const userDraft = (body: z.output<typeof newUserSchema>, now: Instant): UserDraft => ({
  realm: body.realm ?? MAIN,
  ...(body.external_id === undefined ? {} : { externalId: body.external_id }),
  identifiers: [body.username, body.email, body.phone]
    .filter((identifier) => identifier !== undefined)
    .map((identifier) => ({
      ...identifier,
      assertedBy: "admin",
      ...seen(identifier.kind, body.verified, now),
    })),
});

export const userPatch = (body: z.output<typeof userPatchSchema>): UserPatch => ({
  verified: body.verified,
  ...defined({ status: body.status, externalId: body.external_id }),
  identifiers: defined({ username: body.username, email: body.email, phone: body.phone }),
});

export function userQuery({ realm, ...query }: z.output<typeof userListSchema>): UserQuery {
  if (query.identifier !== undefined) return { realm, identifier: query.identifier };
  if (query.external_id !== undefined) return { realm, externalId: query.external_id };
  return { realm, after: query.after };
}

export const userWire = ({ user, identifiers }: UserRecord) => ({
  user_id: user.id,
  realm: user.realm,
  external_id: user.externalId ?? null,
  external_id_asserted_by: user.externalAssertedBy ?? null,
  external_id_client: user.externalClient ?? null,
  status: user.status,
  identifiers: identifiers.map((identifier) => ({
    kind: identifier.kind,
    value: identifier.value,
    verified: identifier.verifiedAt !== undefined,
    verified_at: isoOrNull(identifier.verifiedAt),
    asserted_by: identifier.assertedBy,
    client_id: identifier.client ?? null,
    vouched_at: isoOrNull(identifier.vouchedAt),
    created_at: iso(identifier.createdAt),
  })),
  created_at: iso(user.createdAt),
  updated_at: iso(user.updatedAt),
});

export const auditQuery = (query: z.output<typeof auditQuerySchema>) =>
  defined({ userId: query.user_id, clientId: query.client_id, type: query.type, after: query.after });

/** Enough of a fingerprint to tell two devices apart by eye. */
const FINGERPRINT_SHOWN = 12;

export const deviceWire = (device: Device) => ({
  device_id: device.id,
  user_id: device.userId,
  name: device.name,
  kind: device.kind,
  door: device.door,
  client_id: device.clientId,
  algorithm: device.key.algorithm,
  fingerprint: device.key.fingerprint.slice(0, FINGERPRINT_SHOWN),
  backup_eligible: device.backupEligible ?? null,
  backed_up: device.backedUp ?? null,
  enrolled_at: iso(device.enrolledAt),
  revoked_at: isoOrNull(device.revokedAt),
});

/** An address that is a way to meet actions. */
export const authenticatorWire = (row: Authenticator) => ({
  authenticator_id: row.id,
  user_id: row.userId,
  kind: row.kind,
  identifier: row.identifier ?? null,
  client_id: row.clientId ?? null,
  created_at: iso(row.createdAt),
  verified_at: isoOrNull(row.verifiedAt),
});

export const grantWire = (grant: GrantListing) => ({
  grant_id: grant.id,
  user_id: grant.userId,
  client_id: grant.clientId,
  device_id: grant.deviceId ?? null,
  scope: grant.scope,
  amr: grant.amr,
  created_at: iso(grant.createdAt),
});

export const eventWire = (event: AuditEvent) => ({
  id: event.id,
  at: iso(event.at),
  type: event.type,
  actor: event.actor,
  user_id: event.userId ?? null,
  client_id: event.clientId ?? null,
  device_id: event.deviceId ?? null,
  ip: event.ip ?? null,
  reason: event.reason ?? null,
  data: event.data ?? null,
});

/** A listed key: what it is and when it signs. Never a key's bytes. */
export const keyWire = (key: ListedKey) => ({
  lane: key.lane,
  kid: key.kid,
  algorithm: key.algorithm,
  state: key.state,
  created_at: iso(key.createdAt),
  activates_at: iso(key.activatesAt),
  published_until: isoOrNull(key.publishedUntil),
});

/** A page under its noun; `next` is what `after` takes, null on the last page. */
export const pageWire = <Row, Name extends string, Wire>(
  name: Name,
  page: Page<Row>,
  wire: (row: Row) => Wire,
) => ({ [name]: page.rows.map(wire), next: page.next ?? null });
