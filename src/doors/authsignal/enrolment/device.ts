import { auditEvent, type Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { isPasskey } from "../../../core/device/answers-for.ts";
import type { Device, DeviceKey } from "../../../core/device/device.ts";
import { revokeDevice } from "../../../core/device/revoke.ts";
import { newDeviceId, userSubject } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { enrolledOf, type Namespace, neverEnrolled, platformOf, servesIn } from "./enrolled.ts";

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

type Powers = Pick<Services, "authenticators" | "handles"> & Parameters<typeof revokeDevice>[0];

export type EnrolledByToken = {
  readonly device: Device;
  readonly isNew: boolean;
  /** The key was good in another namespace before, and is good in every one now. */
  readonly isWider?: true;
  /** The device of another user that the key has left. */
  readonly left?: Device;
};

/**
 * Enrols a device on a backend's word (Authsignal §6.6). Without that word only a user who has nothing enrolled may begin, unless the
 * client's settings want it always. The same key again is the same device; in a namespace in which it was not good, by that word too, it is
 * good in all of them from then on. Refused: `enrolment_closed`, `replayed` (the token has added
 * another key), `device_exists` (the key is somebody else's and stays so), `user_locked`.
 */
export async function enrolByToken(
  powers: Powers,
  asked: TokenEnrolment,
): Promise<Result<EnrolledByToken, Refusal>> {
  const { user, key, client } = asked;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const holder = await powers.devices.byFingerprint(client.realm, key.fingerprint);
  const isOwn = holder?.userId === user.user.id;
  if (isOwn && servesIn(holder, asked.namespace)) return ok({ device: holder, isNew: false });
  if (holder && (isOwn ? isPasskey(holder) : !mayMove(holder, asked))) return no({ code: "device_exists" });
  if (!asked.mayAdd && client.settings.enrol_without_scope === false) return no({ code: "enrolment_closed" });
  if (!asked.mayAdd && !neverEnrolled(await enrolledOf(powers, user.user.id))) {
    return no({ code: "enrolment_closed" });
  }
  const who = userSubject(user.user.id);
  const use = await powers.handles.digest(["enrol", asked.tokenId, asked.namespace]);
  if (!(await powers.inboxes.spend(who, use, key.fingerprint))) return no({ code: "replayed" });
  return isOwn ? await widen(powers, asked, holder) : await store(powers, asked, holder);
}

/** An app of an older SDK shows the key that it enrolled in one namespace in the others too (Authsignal §6.1). */
async function widen(
  powers: Powers,
  { namespace, by, client }: TokenEnrolment,
  device: Device,
): Promise<Result<EnrolledByToken, Refusal>> {
  const { userId, id: deviceId } = device;
  const kind = ["device", platformOf(device)].filter((word) => word !== "").join(" ");
  const reason = `added_to_${namespace}`;
  const event = auditEvent(powers, { type: "device.updated", userId, deviceId, reason, ...by });
  const wider = await powers.devices.rekind(device, kind, client.id, event);
  return wider.ok ? ok({ device: wider.value, isNew: false, isWider: true }) : wider;
}

/**
 * One key never answers for two, so the key of another user is refused or leaves them. It proves nothing that a text was sent, so it
 * leaves them only within the client that enrolled it, on its backend's word, where its settings do not forbid it.
 */
const mayMove = (holder: Device, { client, mayAdd }: TokenEnrolment): boolean =>
  mayAdd &&
  holder.door === "authsignal" &&
  holder.clientId === client.id &&
  client.settings.rebind_devices !== false;

async function store(
  powers: Powers,
  asked: TokenEnrolment,
  holder: Device | undefined,
): Promise<Result<EnrolledByToken, Refusal>> {
  const device = deviceOf(powers, asked);
  const written = await write(powers, asked, device, holder);
  if (!written.ok) {
    const { code } = written.error;
    if (code !== "device_exists" && code !== "enrolment_closed") return written;
    const winner = await powers.devices.byFingerprint(device.realm, device.key.fingerprint);
    if (winner?.userId === device.userId) return ok({ device: winner, isNew: false });
    return written;
  }
  // The row says so already; this ends what the device had open.
  if (holder) {
    await revokeDevice(powers, { ...revocationOf(holder), ...asked.by });
    await powers.authenticators.remove(holder.userId, holder.id, powers.clock.now());
  }
  if (asked.pushToken !== undefined) await keepPushToken(powers, device, asked.pushToken);
  await powers.inboxes.noteDevice(userSubject(device.userId));
  return ok({ device, isNew: true, ...(holder ? { left: holder } : {}) });
}

function deviceOf(powers: Powers, { user, key, namespace, platform, name, client }: TokenEnrolment): Device {
  return {
    id: newDeviceId(powers.chance.uuid()),
    userId: user.user.id,
    realm: client.realm,
    key,
    name,
    kind: platform === "" ? namespace : `${namespace} ${platform}`,
    door: "authsignal",
    clientId: client.id,
    enrolledAt: powers.clock.now(),
  };
}

const revocationOf = ({ userId, id }: Device) => ({
  userId,
  deviceId: id,
  reason: "enrolled_by_another_user",
});

async function write(
  powers: Powers,
  { mayAdd, by }: TokenEnrolment,
  device: Device,
  holder: Device | undefined,
): ReturnType<Services["devices"]["insertFirst"]> {
  const event = auditEvent(powers, {
    type: "device.enrolled",
    userId: device.userId,
    clientId: device.clientId,
    deviceId: device.id,
    reason: "client_token",
    ...by,
  });
  if (!mayAdd) return await powers.devices.insertFirst(device, event);
  if (!holder) return await powers.devices.insert(device, event);
  const revoked = auditEvent(powers, { type: "device.revoked", ...revocationOf(holder), ...by });
  return await powers.devices.replace({ device: holder, event: revoked }, device, event);
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
