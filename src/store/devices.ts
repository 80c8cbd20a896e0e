import { and, desc, eq, exists, isNull, lt, or, sql } from "drizzle-orm";
import type { AuditEvent } from "../core/audit/event.ts";
import type { Device, PasskeyState } from "../core/device/device.ts";
import type { ClientId, DeviceId, Realm, UserId } from "../core/ids.ts";
import type { Devices } from "../core/ports/records.ts";
import { no, ok } from "../core/result.ts";
import { recordWhere } from "./audit.ts";
import { type Store, sheltered } from "./database.ts";
import { makeEnrolments } from "./enrolments.ts";
import { heard, stands, verdictOn } from "./guards.ts";
import { kept, type Places } from "./kept.ts";
import { present } from "./rows.ts";
import { devices } from "./schema.ts";

type DeviceRow = typeof devices.$inferSelect;

/** A row as core knows it. */
export function toDevice(row: DeviceRow): Device {
  const { fingerprint, algorithm, publicKey, ...rest } = row;
  return { ...present(rest), key: { algorithm, bytes: publicKey, fingerprint } };
}

/** Of devices of one key: the newest, and a live one before a revoked one of the same instant. */
export const newestFirst = [desc(devices.enrolledAt), sql`${devices.revokedAt} is not null`];

const liveOfKey = kept((db, at: Places<{ realm: Realm; fingerprint: string }>) =>
  db
    .select()
    .from(devices)
    .where(
      and(
        eq(devices.fingerprint, at("fingerprint")),
        eq(devices.realm, at("realm")),
        isNull(devices.revokedAt),
      ),
    ),
);

const liveOfCredential = kept((db, at: Places<{ realm: Realm; credentialId: string }>) =>
  db
    .select()
    .from(devices)
    .where(
      and(
        eq(devices.credentialId, at("credentialId")),
        eq(devices.realm, at("realm")),
        isNull(devices.revokedAt),
      ),
    ),
);

const usersOfKey = kept((db, at: Places<{ userId: UserId; fingerprint: string }>) =>
  db
    .select()
    .from(devices)
    .where(and(eq(devices.userId, at("userId")), eq(devices.fingerprint, at("fingerprint"))))
    .orderBy(...newestFirst)
    .limit(1),
);

const withId = kept((db, at: Places<{ id: DeviceId }>) =>
  db
    .select()
    .from(devices)
    .where(eq(devices.id, at("id"))),
);

const ofUser = kept((db, at: Places<{ userId: UserId }>, which: "live" | "all") => {
  const ofThem = eq(devices.userId, at("userId"));
  return db
    .select()
    .from(devices)
    .where(which === "all" ? ofThem : and(ofThem, isNull(devices.revokedAt)))
    .orderBy(desc(devices.enrolledAt), desc(devices.id));
});

/** A user's live devices, for a batch that asks for more. */
export const liveDevicesOf = (db: Store, userId: UserId) => ofUser(db, { userId }, "live");

/** Devices over D1: one live device per key by a partial unique index, revocation by one conditional statement. */
export function makeDevices(db: Store): Devices {
  const one = async (rows: PromiseLike<DeviceRow[]>) => (await rows).map(toDevice)[0];
  const isLive = isNull(devices.revokedAt);

  return sheltered<Devices>({
    ...makeEnrolments(db),

    byFingerprint: (realm, fingerprint) => one(liveOfKey(db, { realm, fingerprint })),
    byCredentialId: (realm, credentialId) => one(liveOfCredential(db, { realm, credentialId })),
    ofUserByFingerprint: (userId, fingerprint) => one(usersOfKey(db, { userId, fingerprint })),
    byId: (id) => one(withId(db, { id })),

    async ofUser(userId, options) {
      const rows = await ofUser(db, { userId }, options?.withRevoked ? "all" : "live");
      return rows.map(toDevice);
    },

    rename: (userId, deviceId, name, event) => rename(db, { userId, deviceId }, name, event),
    rekind: (device, kind, clientId, event) => rekind(db, device, kind, clientId, event),

    notePasskey: (deviceId, state) => notePasskey(db, deviceId, state),

    async revoke(userId, deviceId, event, now, signedBy) {
      const signer = and(eq(devices.id, signedBy ?? deviceId), isLive);
      const stands = exists(db.select({ id: devices.id }).from(devices).where(signer));
      const target = and(eq(devices.userId, userId), eq(devices.id, deviceId), isLive, stands);
      const stillLive = exists(db.select({ id: devices.id }).from(devices).where(target));
      // The audit row goes first, while its guard can still see a live device.
      const [, revoked] = await db.batch([
        recordWhere(db, event, stillLive),
        db
          .update(devices)
          .set({ revokedAt: now, revokedReason: event.reason ?? null })
          .where(target)
          .returning(),
      ]);
      return revoked.map(toDevice)[0];
    },
  });
}

type Named = { readonly userId: UserId; readonly deviceId: DeviceId };

const liveOne = ({ userId, deviceId }: Named) =>
  and(eq(devices.userId, userId), eq(devices.id, deviceId), isNull(devices.revokedAt));

/** The audit row goes first: both statements look for a live device. */
async function rename(db: Store, named: Named, name: string, event: AuditEvent): Promise<Device | undefined> {
  const target = liveOne(named);
  const stillLive = exists(db.select({ id: devices.id }).from(devices).where(target));
  const [, changed] = await db.batch([
    recordWhere(db, event, stillLive),
    db.update(devices).set({ name }).where(target).returning(),
  ]);
  return changed.map(toDevice)[0];
}

/** What a device is good for grows only while it is live itself, and everybody behind it stands. */
async function rekind(
  db: Store,
  { userId, id: deviceId }: Pick<Device, "userId" | "id">,
  kind: string,
  clientId: ClientId,
  event: AuditEvent,
): ReturnType<Devices["rekind"]> {
  const standing = { userId, clientId, deviceId, since: event.at };
  const allowed = stands(db, standing);
  const [said, , changed] = await db.batch([
    verdictOn(db, standing),
    recordWhere(db, event, allowed),
    db
      .update(devices)
      .set({ kind })
      .where(and(liveOne({ userId, deviceId }), allowed))
      .returning(),
  ]);
  const [device] = changed.map(toDevice);
  const refused = heard(said);
  if (!refused.ok) return refused;
  return device ? ok(device) : no({ code: "device_revoked" });
}

/** One conditional statement: of two that tell the same number, one is taken. */
async function notePasskey(db: Store, id: DeviceId, state: PasskeyState): Promise<boolean> {
  const { signCount, backupEligible } = state;
  const rose = or(lt(devices.signCount, signCount), and(eq(devices.signCount, 0), sql`${signCount} = 0`));
  const same = or(isNull(devices.backupEligible), eq(devices.backupEligible, backupEligible));
  const noted = await db
    .update(devices)
    .set(state)
    .where(and(eq(devices.id, id), isNull(devices.revokedAt), rose, same))
    .returning({ id: devices.id });
  return noted.length > 0;
}
