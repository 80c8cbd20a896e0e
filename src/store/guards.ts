import { and, eq, exists, isNotNull, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { ClientId, DeviceId, GrantId, UserId } from "../core/ids.ts";
import type { MustBeActive, NotActive } from "../core/ports/standing.ts";
import { no, ok, type Result } from "../core/result.ts";
import type { Store } from "./database.ts";
import { kept, type Places, type Values } from "./kept.ts";
import { clients, devices, grants, users } from "./schema.ts";

/** Whether this client is disabled. One that nobody has registered is not: clients are never deleted. */
export const disabled = (db: Store, id: ClientId): SQL =>
  exists(
    db
      .select({ id: clients.id })
      .from(clients)
      .where(and(eq(clients.id, id), isNotNull(clients.disabledAt))),
  );

/** Whether the user still has this device. */
export const hasDevice = (db: Store, userId: UserId, id: DeviceId): SQL =>
  exists(
    db
      .select({ id: devices.id })
      .from(devices)
      .where(and(eq(devices.id, id), eq(devices.userId, userId), isNull(devices.revokedAt))),
  );

/** Whether this grant is listed: what has been ended is not. */
export const hasGrant = (db: Store, userId: UserId, id: GrantId): SQL =>
  exists(
    db
      .select({ id: grants.id })
      .from(grants)
      .where(and(eq(grants.userId, userId), eq(grants.id, id))),
  );

/** Whether there is such a user at all. */
export const hasUser = (db: Store, id: UserId): SQL =>
  exists(db.select({ id: users.id }).from(users).where(eq(users.id, id)));

/** The code of what keeps a row from being written; null when everybody stands. */
export function obstacle(db: Store, { userId, clientId, deviceId, sessionId, since }: MustBeActive): SQL {
  const realm = db.select({ realm: clients.realm }).from(clients).where(eq(clients.id, clientId));
  const isUser = and(eq(users.id, userId), sql`${users.realm} = coalesce((${realm}), ${users.realm})`);
  const isOpen = since === undefined ? undefined : or(isNull(users.endedAt), lte(users.endedAt, since));
  const isActive = and(isUser, eq(users.status, "active"), isOpen);
  const user = (which: SQL | undefined) => exists(db.select({ id: users.id }).from(users).where(which));
  const device =
    deviceId === undefined ? sql`` : sql` when not ${hasDevice(db, userId, deviceId)} then 'device_revoked'`;
  const session =
    sessionId === undefined ? sql`` : sql` when not ${hasGrant(db, userId, sessionId)} then 'grant_ended'`;
  return sql`(case when not ${user(isUser)} then 'unknown_user' when not ${user(isActive)} then 'user_locked'
    when ${disabled(db, clientId)} then 'client_disabled'${device}${session} end)`;
}

/** The guard of a write: everybody stands. */
export const stands = (db: Store, standing: MustBeActive): SQL => sql`${obstacle(db, standing)} is null`;

/** The first statement of a guarded batch: it says what keeps the others from writing. */
export const verdict = (db: Store, of: SQL) =>
  db.select({ obstacle: sql<NotActive["code"] | null>`${of}`.as("obstacle") }).from(sql`(select 1)`);

/** Which members somebody's standing has: so many texts has a statement that asks for it. */
export const standingShape = ({ deviceId, sessionId, since }: MustBeActive): string =>
  `${deviceId === undefined ? "" : "d"}${sessionId === undefined ? "" : "s"}${since === undefined ? "" : "t"}`;

/** A standing of this shape whose members are places. */
export const standingAt = (at: Places<Values>, shape: string): MustBeActive => ({
  userId: at("userId"),
  clientId: at("clientId"),
  ...(shape.includes("d") ? { deviceId: at("deviceId") } : {}),
  ...(shape.includes("s") ? { sessionId: at("sessionId") } : {}),
  ...(shape.includes("t") ? { since: at("since") } : {}),
});

const keptVerdict = kept((db, at: Places<Values>, shape: string) =>
  verdict(db, obstacle(db, standingAt(at, shape))),
);

/** The verdict on one standing. */
export const verdictOn = (db: Store, standing: MustBeActive) =>
  keptVerdict(db, { ...standing }, standingShape(standing));

/** What a verdict says. */
export function heard([row]: readonly { readonly obstacle: NotActive["code"] | null }[]): Result<
  undefined,
  NotActive
> {
  return row === undefined || row.obstacle === null ? ok(undefined) : no({ code: row.obstacle });
}
