import { auditEvent, type Requester } from "../audit/record.ts";
import { endOfDevice } from "../challenge/end-in-flight.ts";
import { endGrants } from "../grant/end.ts";
import type { DeviceId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Device } from "./device.ts";

/**
 * Removes a device for good: its row first, so that it signs nothing more, then its sockets, the grants that it opened and what is under way by
 * its word.
 * `repeated` when it had been removed before; the later steps run again then, because an outage may have cut them short.
 * Refused as `unknown_device` when the user never had it, and as `device_revoked` when the device that has signed for this was removed itself.
 */
export async function revokeDevice(
  powers: Powers,
  asked: RevokeDevice,
): Promise<
  Result<
    { readonly device: Device; readonly repeated: boolean },
    RefusalOf<"unknown_device" | "device_revoked">
  >
> {
  const { userId, deviceId, actor, ip, reason } = asked;
  const event = auditEvent(powers, { type: "device.revoked", actor, userId, deviceId, ip, reason });
  const revoked = await powers.devices.revoke(userId, deviceId, event, event.at, asked.signedBy);
  const device = revoked ?? (await powers.devices.byId(deviceId));
  if (device === undefined || device.userId !== userId) return no({ code: "unknown_device" });
  if (!revoked && device.revokedAt === undefined) return no({ code: "device_revoked" });
  await endOfDevice(powers, { userId, actor, ip, reason: "device_removed" }, deviceId);
  await endGrants(powers, { userId, deviceId, actor, ip, reason: "device_removed" });
  return ok({ device, repeated: revoked === undefined });
}

type RevokeDevice = Requester & {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly reason: string;
  readonly signedBy?: DeviceId;
};

type Powers = Pick<Services, "devices"> & Parameters<typeof endOfDevice>[0] & Parameters<typeof endGrants>[0];
