import { auditEvent } from "../audit/record.ts";
import type { AtOnce } from "../challenge/at-once.ts";
import { redeemAtOnce, redeemedBefore, spendInput } from "../challenge/at-once.ts";
import { noteListed } from "../challenge/record.ts";
import { newDeviceId, userSubject } from "../ids.ts";
import type { Applied } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Device } from "./device.ts";

export type DeviceEnrolment = Omit<AtOnce, "subject"> & {
  readonly newDevice: Pick<Device, "key" | "name" | "kind">;
};

type Powers = Pick<
  Services,
  | "challenges"
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

type Enrolled = Result<{ readonly device: Device; readonly settled: Applied }, Refusal>;

/**
 * A trusted device signs another device in among the user's own. The new device gets no tokens: it signs in afterwards. A key
 * that already belongs to a live device is refused; so is a signature that was used before, and one of a device that was removed meanwhile.
 * The identical request, where it may be repeated, is answered as at first.
 */
export async function enrolByDevice(powers: Powers, asked: DeviceEnrolment): Promise<Enrolled> {
  const { proof, newDevice } = asked;
  const who = userSubject(proof.userId);
  const holder = await powers.devices.byFingerprint(asked.client.realm, newDevice.key.fingerprint);
  if (holder) return await repeated(powers, asked, holder);
  if (!(await spendInput(powers, asked))) return no({ code: "replayed" });
  try {
    const result = await redeemAtOnce(powers, asked);
    if (!result.ok) return result;
    const settled = result.value;
    const device = deviceOf(asked, settled);
    const event = enrolledEvent(powers, asked, device, settled);
    const signedBy = proof.kind === "device" ? proof.deviceId : undefined;
    const stored = await powers.devices.insert(device, event, undefined, signedBy);
    // Of an enrolment that was refused nothing is written later either.
    noteListed(powers, settled.view.id);
    if (!stored.ok)
      return stored.error.code === "device_exists" ? await twin(powers, device, settled) : stored;
    await powers.inboxes.noteDevice(who);
    return ok({ device, settled });
  } catch (cause) {
    await powers.inboxes.unspend(who, proof.digest);
    throw cause;
  }
}

/** Named and dated by what was settled: a repetition of the request makes no second device, also once the first was removed. */
function deviceOf({ proof, newDevice, client, door }: DeviceEnrolment, { facts, spec }: Applied): Device {
  if (!facts) throw new Error("a redeemed challenge has facts");
  return {
    ...newDevice,
    id: newDeviceId(facts.idJti),
    userId: proof.userId,
    realm: client.realm,
    door,
    clientId: client.id,
    enrolledAt: spec.createdAt,
  };
}

/** The key has a live device already: that is the answer only to the request that has made it. */
async function repeated(powers: Powers, asked: DeviceEnrolment, holder: Device): Promise<Enrolled> {
  const exists = no({ code: "device_exists" } as const);
  if (holder.userId !== asked.proof.userId || asked.signedSecond === undefined) return exists;
  const settled = await redeemedBefore(powers, asked);
  if (!settled || deviceOf(asked, settled).id !== holder.id) return exists;
  return (await spendInput(powers, asked)) ? ok({ device: holder, settled }) : no({ code: "replayed" });
}

/** Two calls of one request at once: whoever comes second finds the device of the first. */
async function twin(powers: Powers, { id }: Device, settled: Applied): Promise<Enrolled> {
  const device = await powers.devices.byId(id);
  const isThere = device !== undefined && device.revokedAt === undefined;
  return isThere ? ok({ device, settled }) : no({ code: "device_exists" });
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
