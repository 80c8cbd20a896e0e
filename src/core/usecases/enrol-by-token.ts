import type { Client } from "../client/client.ts";
import type { Device, DeviceKey } from "../device/device.ts";
import { newDeviceId, userSubject } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { enrolledOf, isEnrolled, type Namespace } from "./enrolled-methods.ts";
import { revokeDevice } from "./revoke-device.ts";

export type TokenEnrolment = {
  readonly client: Client;
  readonly user: UserRecord;
  readonly key: DeviceKey;
  readonly name: string;
  readonly namespace: Namespace;
  readonly platform: string;
  readonly pushToken?: string | undefined;
  /** Whether the backend's token says that a device may be added. */
  readonly mayAdd: boolean;
  /** Names the token: it adds one key to each namespace and no more. */
  readonly tokenId: string;
  readonly by: Requester;
};

type Powers = Pick<
  Services,
  "devices" | "authenticators" | "inboxes" | "rooms" | "records" | "handles" | "events" | "clock" | "chance"
>;

/**
 * Enrols a device on a backend's word (Authsignal §6.6). Without that word only a person who has nothing enrolled may begin. The same
 * key again is the same device; a key that this door enrolled for somebody else leaves them, so that one key never answers for two.
 * Refused: `enrolment_closed`, `replayed` (the token has added another key), `device_exists`, `user_locked`.
 */
export async function enrolByToken(
  powers: Powers,
  asked: TokenEnrolment,
): Promise<Result<{ readonly device: Device; readonly isNew: boolean }, Refusal>> {
  const { user, key } = asked;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const holder = await powers.devices.byFingerprint(key.fingerprint);
  if (!asked.mayAdd && isEnrolled(await enrolledOf(powers, user.user.id))) {
    return no({ code: "enrolment_closed" });
  }
  if (holder?.userId === user.user.id) return ok({ device: holder, isNew: false });
  if (holder && holder.door !== "authsignal") return no({ code: "device_exists" });
  const who = userSubject(user.user.id);
  const use = await powers.handles.digest(["enrol", asked.tokenId, asked.namespace]);
  if (!(await powers.inboxes.spend(who, use, key.fingerprint))) return no({ code: "replayed" });
  if (holder) {
    const { userId, id: deviceId } = holder;
    await revokeDevice(powers, { userId, deviceId, reason: "enrolled_by_another_user", ...asked.by });
  }
  return await store(powers, asked);
}

async function store(
  powers: Powers,
  asked: TokenEnrolment,
): Promise<Result<{ readonly device: Device; readonly isNew: boolean }, Refusal>> {
  const { user, key, namespace, platform } = asked;
  const device: Device = {
    id: newDeviceId(powers.chance.uuid()),
    userId: user.user.id,
    key,
    name: asked.name,
    kind: platform === "" ? namespace : `${namespace} ${platform}`,
    door: "authsignal",
    clientId: asked.client.id,
    enrolledAt: powers.clock.now(),
  };
  const event = auditEvent(powers, {
    type: "device.enrolled",
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    reason: "client_token",
    ...asked.by,
  });
  if (!(await powers.devices.insert(device, event))) {
    const winner = await powers.devices.byFingerprint(key.fingerprint);
    return winner?.userId === device.userId
      ? ok({ device: winner, isNew: false })
      : no({ code: "device_exists" });
  }
  if (asked.pushToken !== undefined) await keepPushToken(powers, device, asked.pushToken);
  await powers.inboxes.noteDevice(userSubject(device.userId));
  return ok({ device, isNew: true });
}

/** Remembers where a device's pushes go; it is never looked up by. */
export const keepPushToken = (
  powers: Pick<Services, "authenticators">,
  device: Device,
  pushToken: string | undefined,
  lastVerifiedAt?: number,
): Promise<void> =>
  powers.authenticators.put({
    userId: device.userId,
    id: device.id,
    kind: "device",
    createdAt: device.enrolledAt,
    ...(pushToken === undefined ? {} : { pushToken }),
    ...(lastVerifiedAt === undefined ? {} : { lastVerifiedAt }),
  });
