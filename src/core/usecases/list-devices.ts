import type { Device } from "../device/device.ts";
import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";

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
