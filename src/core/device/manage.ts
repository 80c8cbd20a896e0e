import { auditEvent, type Requester } from "../audit/record.ts";
import type { DeviceId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Device } from "./device.ts";

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

/** A user's devices, newest first; removed ones only when asked for. */
export async function listDevices(
  powers: Pick<Services, "users" | "devices">,
  userId: UserId,
  options: { readonly withRevoked: boolean },
): Promise<Result<readonly Device[], RefusalOf<"unknown_user">>> {
  const [user, devices] = await Promise.all([
    powers.users.byId(userId, ANY_REALM),
    powers.devices.ofUser(userId, options),
  ]);
  return user === undefined ? no({ code: "unknown_user" }) : ok(devices);
}
