import type { DeviceId, UserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { NotActive } from "../../../core/ports/standing.ts";
import { ANY_REALM } from "../../../core/ports/users.ts";

/** Which of those who stood when a call began has fallen since; for a write that said no without saying why. */
export async function inactiveSince(
  powers: Pick<Services, "users" | "devices">,
  { userId, deviceId }: { readonly userId: UserId; readonly deviceId?: DeviceId },
): Promise<NotActive | undefined> {
  const [user, device] = await Promise.all([
    powers.users.byId(userId, ANY_REALM),
    deviceId === undefined ? undefined : powers.devices.byId(deviceId),
  ]);
  if (!user) return { code: "unknown_user" };
  if (user.user.status === "locked") return { code: "user_locked" };
  const isGone = deviceId !== undefined && (!device || device.revokedAt !== undefined);
  return isGone ? { code: "device_revoked" } : undefined;
}
