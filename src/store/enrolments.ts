import { and, count, eq, exists, isNotNull, isNull, ne, notExists, or, type SQL, sql } from "drizzle-orm";
import type { AuditEvent } from "../core/audit/event.ts";
import type { Device } from "../core/device/device.ts";
import type { DeviceId, UserId } from "../core/ids.ts";
import type { Devices } from "../core/ports/records.ts";
import type { MustBeActive } from "../core/ports/standing.ts";
import { no } from "../core/result.ts";
import { recordWhere } from "./audit.ts";
import { commit, type Store } from "./database.ts";
import { heard, obstacle, stands, verdict, verdictOn } from "./guards.ts";
import { rowWhere } from "./rows.ts";
import { authenticators, devices, grants } from "./schema.ts";

/** A device as its row. */
export function toRow({ key, ...rest }: Device): typeof devices.$inferInsert {
  return { ...rest, fingerprint: key.fingerprint, algorithm: key.algorithm, publicKey: key.bytes };
}

/** A device comes to be for a user who is active, through a client that is not disabled, by a device that is live. */
const standingOf = (
  { userId, clientId, enrolledAt }: Device,
  signedBy?: DeviceId,
  since = enrolledAt,
): MustBeActive => ({
  userId,
  clientId,
  deviceId: signedBy,
  since,
});

const isStored = (db: Store, { id }: Device): SQL =>
  exists(db.select({ id: devices.id }).from(devices).where(eq(devices.id, id)));

const TAKEN = no({ code: "device_exists" } as const);

/** The ways in which a device comes to be: each is one batch with its audit row, all or nothing. */
export function makeEnrolments(
  db: Store,
): Pick<Devices, "insert" | "insertFirst" | "insertOwn" | "insertRecovered" | "replace"> {
  return {
    async insert(device, event, grant, signedBy, since) {
      const standing = standingOf(device, signedBy, since);
      const stored = isStored(db, device);
      const listing =
        grant === undefined
          ? []
          : ([
              db
                .insert(grants)
                .select(rowWhere(grants, grant, stored))
                .onConflictDoNothing(),
            ] as const);
      const written = await commit(db, [
        verdictOn(db, standing),
        db.insert(devices).select(rowWhere(devices, toRow(device), stands(db, standing))),
        recordWhere(db, event, stored),
        ...listing,
      ]);
      return written.ok ? heard(written.value[0]) : TAKEN;
    },

    insertRecovered: (...given) => insertRecovered(db, ...given),
    insertFirst: (device, event) => insertFirst(db, device, event),
    insertOwn: (...given) => insertOwn(db, ...given),
    replace: (old, device, event) => replace(db, old, device, event),
  };
}

/** Never enrolled: no device, removed ones too, no code that came back but for the address of this id, and none that was removed. */
export function hasNothing(db: Store, userId: UserId, but?: string): SQL {
  const isOther = but === undefined ? undefined : ne(authenticators.id, but);
  const ever = and(
    eq(authenticators.userId, userId),
    ne(authenticators.kind, "device"),
    or(and(isOther, isNotNull(authenticators.verifiedAt)), isNotNull(authenticators.removedAt)),
  );
  const device = db.select({ id: devices.id }).from(devices).where(eq(devices.userId, userId));
  const address = db.select({ id: authenticators.id }).from(authenticators).where(ever);
  return sql`${notExists(device)} and ${notExists(address)}`;
}

const insertFirst = (db: Store, device: Device, event: AuditEvent): ReturnType<Devices["insertFirst"]> =>
  insertWhile(db, device, event, standingOf(device), hasNothing(db, device.userId));

/** Whether a device of our pages is live: `core/device/own-pages.ts` says the same of what was read. */
function hasOwn(db: Store, userId: UserId): SQL {
  const isPasskey = and(eq(devices.door, "oauth"), isNotNull(devices.credentialId));
  const isOwn = or(eq(devices.door, "approver"), isPasskey);
  const own = and(eq(devices.userId, userId), isNull(devices.revokedAt), isOwn);
  return exists(db.select({ id: devices.id }).from(devices).where(own));
}

function insertOwn(
  db: Store,
  ...[device, event, { most, signedBy, sessionId, since, alone }]: Parameters<Devices["insertOwn"]>
): ReturnType<Devices["insertOwn"]> {
  const { userId, door } = device;
  const ofKind = device.credentialId === undefined ? isNull : isNotNull;
  const isAlike = and(eq(devices.door, door), ofKind(devices.credentialId), isNull(devices.revokedAt));
  const live = db
    .select({ live: count() })
    .from(devices)
    .where(and(eq(devices.userId, userId), isAlike));
  const isOpen = sql`(${live}) < ${most}`;
  const guard = alone ? sql`${isOpen} and not ${hasOwn(db, userId)}` : isOpen;
  return insertWhile(db, device, event, { ...standingOf(device, signedBy, since), sessionId }, guard);
}

/** The audit row goes before the device, while the guard can still see what is enrolled. */
async function insertWhile(
  db: Store,
  device: Device,
  event: AuditEvent,
  standing: MustBeActive,
  isOpen: SQL,
): ReturnType<Devices["insertFirst"]> {
  const guard = sql`${isOpen} and ${stands(db, standing)}`;
  const written = await commit(db, [
    verdictOn(db, standing),
    recordWhere(db, event, guard),
    db
      .insert(devices)
      .select(rowWhere(devices, toRow(device), guard))
      .returning({ id: devices.id }),
  ]);
  if (!written.ok) return TAKEN;
  const [said, , stored] = written.value;
  const allowed = heard(said);
  return allowed.ok && stored.length === 0 ? no({ code: "enrolment_closed" }) : allowed;
}

/** Whether a live device of theirs stands in the way of one that takes the place of these. */
function isRivalled(db: Store, { userId, clientId, door }: Device, but: readonly DeviceId[]): SQL {
  const ofClient = but.length === 0 ? undefined : and(eq(devices.clientId, clientId), eq(devices.door, door));
  const others = and(...but.map((id) => ne(devices.id, id)));
  const live = and(eq(devices.userId, userId), isNull(devices.revokedAt), ofClient, others);
  return exists(db.select({ id: devices.id }).from(devices).where(live));
}

/** What is removed goes first, audit row before device; the guard looks at neither, so it holds for the whole batch. */
async function insertRecovered(
  db: Store,
  ...[device, event, removals, grant, since]: Parameters<Devices["insertRecovered"]>
): ReturnType<Devices["insertRecovered"]> {
  const standing = standingOf(device, undefined, since);
  const rivalled = isRivalled(
    db,
    device,
    removals.map(({ deviceId }) => deviceId),
  );
  const guard = sql`${stands(db, standing)} and not ${rivalled}`;
  const stored = isStored(db, device);
  const removed = removals.flatMap((one) => {
    const target = and(
      eq(devices.id, one.deviceId),
      eq(devices.userId, device.userId),
      isNull(devices.revokedAt),
    );
    const isLive = exists(db.select({ id: devices.id }).from(devices).where(target));
    return [
      recordWhere(db, one.event, sql`${isLive} and ${guard}`),
      db
        .update(devices)
        .set({ revokedAt: one.event.at, revokedReason: one.event.reason ?? null })
        .where(and(target, guard)),
    ];
  });
  const listing =
    grant === undefined
      ? []
      : [
          db
            .insert(grants)
            .select(rowWhere(grants, grant, stored))
            .onConflictDoNothing(),
        ];
  const written = await commit(db, [
    verdict(db, sql`case when ${rivalled} then 'enrolment_closed' else ${obstacle(db, standing)} end`),
    ...removed,
    db.insert(devices).select(rowWhere(devices, toRow(device), guard)),
    recordWhere(db, event, stored),
    ...listing,
  ]);
  if (!written.ok) return TAKEN;
  const [said] = written.value[0] as readonly { readonly obstacle: string | null }[];
  if (said?.obstacle === "enrolment_closed") return no({ code: "enrolment_closed" });
  return heard(written.value[0] as Parameters<typeof heard>[0]);
}

/** A key that has left `old` by then is another live device's, whose unique row undoes the batch, or nobody's. */
async function replace(
  db: Store,
  old: { readonly device: Device; readonly event: AuditEvent },
  device: Device,
  event: AuditEvent,
): ReturnType<Devices["replace"]> {
  const standing = standingOf(device);
  const allowed = stands(db, standing);
  const target = and(eq(devices.id, old.device.id), isNull(devices.revokedAt));
  const stillLive = exists(db.select({ id: devices.id }).from(devices).where(target));
  const written = await commit(db, [
    verdictOn(db, standing),
    recordWhere(db, old.event, sql`${stillLive} and ${allowed}`),
    db
      .update(devices)
      .set({ revokedAt: old.event.at, revokedReason: old.event.reason ?? null })
      .where(and(target, allowed)),
    db.insert(devices).select(rowWhere(devices, toRow(device), allowed)),
    recordWhere(db, event, isStored(db, device)),
  ]);
  return written.ok ? heard(written.value[0]) : TAKEN;
}
