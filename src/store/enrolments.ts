import { and, eq, exists, isNotNull, isNull, ne, notExists, or, type SQL, sql } from "drizzle-orm";
import type { AuditEvent } from "../core/audit.ts";
import type { Device } from "../core/device/device.ts";
import type { UserId } from "../core/ids.ts";
import type { Devices } from "../core/ports/records.ts";
import { record, recordWhere } from "./audit.ts";
import { commit, type Store } from "./database.ts";
import { rowWhere } from "./rows.ts";
import { authenticators, devices, grants } from "./schema.ts";

/** A device as its row. */
export function toRow({ key, ...rest }: Device): typeof devices.$inferInsert {
  return { ...rest, fingerprint: key.fingerprint, algorithm: key.algorithm, publicKey: key.bytes };
}

/** The ways in which a device comes to be: each is one batch with its audit row, all or nothing. */
export function makeEnrolments(db: Store): Pick<Devices, "insert" | "insertFirst" | "replace"> {
  return {
    async insert(device, event, grant) {
      const listing =
        grant === undefined ? [] : ([db.insert(grants).values(grant).onConflictDoNothing()] as const);
      const written = await commit(db, [
        db.insert(devices).values(toRow(device)),
        record(db, event),
        ...listing,
      ]);
      return written.ok;
    },

    insertFirst: (device, event) => insertFirst(db, device, event),
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

/** The audit row goes first, while its guard can still see that nothing is enrolled. */
async function insertFirst(db: Store, device: Device, event: AuditEvent) {
  const guard = hasNothing(db, device.userId);
  const written = await commit(db, [
    recordWhere(db, event, guard),
    db
      .insert(devices)
      .select(rowWhere(devices, toRow(device), guard))
      .returning({ id: devices.id }),
  ]);
  if (!written.ok) return "taken";
  return written.value[1].length === 1 ? "enrolled" : "late";
}

/** A key that has left `old` by then is another live device's, whose unique row undoes the batch, or nobody's. */
async function replace(
  db: Store,
  old: { readonly device: Device; readonly event: AuditEvent },
  device: Device,
  event: AuditEvent,
): Promise<boolean> {
  const target = and(eq(devices.id, old.device.id), isNull(devices.revokedAt));
  const stillLive = exists(db.select({ id: devices.id }).from(devices).where(target));
  const written = await commit(db, [
    recordWhere(db, old.event, stillLive),
    db
      .update(devices)
      .set({ revokedAt: old.event.at, revokedReason: old.event.reason ?? null })
      .where(target),
    db.insert(devices).values(toRow(device)),
    record(db, event),
  ]);
  return written.ok;
}
