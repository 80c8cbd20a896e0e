import type { Door, JsonObject, Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import type { Device, DeviceKey } from "../device/device.ts";
import { newDeviceId, userSubject } from "../ids.ts";
import type { Lane } from "../key/key.ts";
import type { Applied } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent } from "./audit-event.ts";
import { grantListing } from "./finished-event.ts";
import type { Redeemed } from "./redeem-challenge.ts";
import { settleAtOnce } from "./settle-at-once.ts";

export type FirstEnrolment = {
  readonly door: Door;
  readonly client: Client;
  readonly user: UserRecord;
  readonly key: DeviceKey;
  readonly name: string;
  readonly kind: string;
  /** Names the caller that opened the window: digest of address and user agent. */
  readonly binding: string;
  readonly origin: Origin;
  readonly lane: Extract<Lane, "standard" | "cotter">;
  /** Given when the enrolment also signs the person in. */
  readonly subject?: JsonObject;
  readonly scope: string;
};

export type Enrolled = { readonly device: Device; readonly redeemed?: Redeemed };

type Powers = Pick<
  Services,
  | "rooms"
  | "inboxes"
  | "devices"
  | "keyring"
  | "handles"
  | "proofs"
  | "chance"
  | "clock"
  | "background"
  | "log"
>;

/**
 * Enrols a person's first device without a signature, inside the window that their sign-up opened for this very caller and only
 * while they never had a device (settled question 22). Refused otherwise with `enrolment_closed` or `device_exists`.
 */
export async function enrolFirstDevice(
  powers: Powers,
  asked: FirstEnrolment,
): Promise<Result<Enrolled, Refusal>> {
  const { user, key } = asked;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const who = userSubject(user.user.id);
  const holder = await powers.devices.byFingerprint(key.fingerprint);
  if (holder) return no({ code: "device_exists" });
  const ever = await powers.devices.ofUser(user.user.id, { withRevoked: true });
  if (ever.some((device) => device.revokedAt === undefined)) return no({ code: "device_exists" });
  if (ever.length > 0) return no({ code: "enrolment_closed" });
  // Taken for this key: the same phone may come again when this call dies before it is done.
  const window = await powers.inboxes.takeEnrolment(who, asked.binding, key.fingerprint);
  if (!window.taken) return no({ code: "enrolment_closed" });
  const enrolled = await store(powers, asked).catch(async (cause: unknown) => {
    await powers.inboxes.restoreEnrolment(who, asked.binding, window.until);
    throw cause;
  });
  if (!enrolled) {
    await powers.inboxes.restoreEnrolment(who, asked.binding, window.until);
    return no({ code: "device_exists" });
  }
  await powers.inboxes.noteDevice(who);
  return ok(enrolled);
}

async function store(powers: Powers, asked: FirstEnrolment): Promise<Enrolled | undefined> {
  const device = deviceOf(powers, asked);
  const settled = asked.subject === undefined ? undefined : await signIn(powers, asked, device);
  const event = auditEvent(powers, {
    type: "device.enrolled",
    actor: `firstEnrolment:${device.id}`,
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    ip: asked.origin.ip,
    reason: "first_device",
    data: settled ? { challenge_id: settled.view.id, timeline: settled.timeline } : undefined,
  });
  const listing = settled?.grant ? grantListing(settled.grant) : undefined;
  const kept = await insert(powers, device, event, listing, settled);
  if (!kept) return undefined;
  if (!settled?.facts) return { device };
  powers.background(powers.rooms.markListed(settled.view.id).catch(() => undefined));
  const { facts, grant } = settled;
  return { device, redeemed: { facts, snapshot: settled, ...(grant ? { grant } : {}) } };
}

/** Without its device row the sign-in must not stand either. */
async function insert(
  powers: Powers,
  device: Device,
  event: Parameters<Services["devices"]["insert"]>[1],
  listing: Parameters<Services["devices"]["insert"]>[2],
  settled: Applied | undefined,
): Promise<boolean> {
  const undo = async () => {
    if (settled) await powers.rooms.revoke(settled.view.id, "enrolment_failed");
  };
  try {
    const kept = await powers.devices.insert(device, event, listing);
    if (!kept) await undo();
    return kept;
  } catch (cause) {
    await undo();
    throw cause;
  }
}

const deviceOf = (powers: Powers, asked: FirstEnrolment): Device => ({
  id: newDeviceId(powers.chance.uuid()),
  userId: asked.user.user.id,
  key: asked.key,
  name: asked.name,
  kind: asked.kind,
  door: asked.door,
  clientId: asked.client.id,
  enrolledAt: powers.clock.now(),
});

async function signIn(powers: Powers, asked: FirstEnrolment, device: Device): Promise<Applied> {
  const proof = powers.proofs.vouch({
    kind: "firstEnrolment",
    deviceId: device.id,
    userId: device.userId,
    decision: "approve",
    digest: await powers.handles.digest(["first", device.id, asked.key.fingerprint]),
    amr: ["pop"],
  });
  const settled = await settleAtOnce(powers, {
    door: asked.door,
    client: asked.client,
    purpose: "enrol_device",
    scope: asked.scope,
    context: {},
    origin: asked.origin,
    proof,
    lane: asked.lane,
    replayWindow: 0,
    draw: async () => ({ id: powers.rooms.fresh(), waiterProof: powers.chance.text(32) }),
    ...(asked.subject ? { subject: asked.subject } : {}),
  });
  if (!settled.ok) throw new Error(`a first enrolment was refused: ${settled.error.code}`);
  return settled.value;
}
