import type { Device } from "../device/device.ts";
import type { DeviceId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";

/** Gives a live device another name. Refused as `unknown_device` when the user has none of this id. */
export async function renameDevice(
  powers: Pick<Services, "devices" | "clock" | "chance">,
  asked: Requester & { readonly userId: UserId; readonly deviceId: DeviceId; readonly name: string },
): Promise<Result<Device, RefusalOf<"unknown_device">>> {
  const { userId, deviceId, name, actor, ip } = asked;
  const event = auditEvent(powers, { type: "device.renamed", actor, userId, deviceId, ip });
  const device = await powers.devices.rename(userId, deviceId, name, event);
  return device ? ok(device) : no({ code: "unknown_device" });
}
