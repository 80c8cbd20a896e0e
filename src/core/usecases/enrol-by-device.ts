import type { Device } from "../device/device.ts";
import { newDeviceId, userSubject } from "../ids.ts";
import type { Applied } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent } from "./audit-event.ts";
import { noteListed } from "./record-finish.ts";
import type { AtOnce } from "./settle-at-once.ts";
import { settleAtOnce } from "./settle-at-once.ts";

export type DeviceEnrolment = Omit<AtOnce, "subject"> & {
  readonly newDevice: Pick<Device, "key" | "name" | "kind">;
};

type Powers = Pick<
  Services,
  | "rooms"
  | "inboxes"
  | "devices"
  | "records"
  | "keyring"
  | "handles"
  | "chance"
  | "clock"
  | "background"
  | "log"
>;

/**
 * A trusted device signs another device in among the person's own. The new device gets no tokens: it signs in afterwards. A key
 * that already belongs to a live device is refused; so is a signature that was used before, and one of a device that was removed meanwhile.
 */
export async function enrolByDevice(
  powers: Powers,
  asked: DeviceEnrolment,
): Promise<Result<{ readonly device: Device; readonly settled: Applied }, Refusal>> {
  const { proof, newDevice } = asked;
  const who = userSubject(proof.userId);
  if (await powers.devices.byFingerprint(asked.client.realm, newDevice.key.fingerprint))
    return no({ code: "device_exists" });
  if (!(await powers.inboxes.spend(who, proof.digest, powers.chance.uuid()))) return no({ code: "replayed" });
  const device: Device = {
    ...newDevice,
    id: newDeviceId(powers.chance.uuid()),
    userId: proof.userId,
    realm: asked.client.realm,
    door: asked.door,
    clientId: asked.client.id,
    enrolledAt: powers.clock.now(),
  };
  try {
    const result = await settleAtOnce(powers, asked);
    if (!result.ok) return result;
    const settled = result.value;
    const event = enrolledEvent(powers, asked, device, settled);
    const signedBy = proof.kind === "device" ? proof.deviceId : undefined;
    const stored = await powers.devices.insert(device, event, undefined, signedBy);
    // Of an enrolment that was refused nothing is written later either.
    noteListed(powers, settled.view.id);
    if (!stored.ok) return stored;
    await powers.inboxes.noteDevice(who);
    return ok({ device, settled });
  } catch (cause) {
    await powers.inboxes.unspend(who, proof.digest);
    throw cause;
  }
}

const enrolledEvent = (powers: Powers, asked: DeviceEnrolment, device: Device, settled: Applied) =>
  auditEvent(powers, {
    type: "device.enrolled",
    actor: asked.proof.kind === "device" ? `device:${asked.proof.deviceId}` : asked.proof.kind,
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    ip: asked.origin.ip,
    reason: "signed_by_device",
    data: { challenge_id: settled.view.id, timeline: settled.timeline },
  });
