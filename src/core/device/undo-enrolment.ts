import type { Requester } from "../audit/record.ts";
import { type DeviceId, parseDeviceId, parseUserId, type UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { Instant } from "../time.ts";
import type { Device } from "./device.ts";
import { isNew } from "./own-enrolment.ts";
import { revokeDevice } from "./revoke.ts";

type Enrolment = { readonly userId: UserId; readonly id: DeviceId; readonly enrolledAt: Instant };

/** 256 bits that only this service can make, of this one enrolment; nothing is stored of it. */
const macOf = (
  { handles }: Pick<Services, "handles">,
  { userId, id, enrolledAt }: Enrolment,
): Promise<string> => handles.pepper(["undo_enrolment", userId, id], String(enrolledAt));

const BASE = 36;

/** The address that takes a device back within 24 h of its enrolment, for letters to addresses that the user has proven (T33). */
export async function undoLink(
  powers: Pick<Services, "handles" | "config">,
  enrolment: Enrolment,
): Promise<string> {
  const { userId, id, enrolledAt } = enrolment;
  const token = [userId, id, enrolledAt.toString(BASE), await macOf(powers, enrolment)].join(".");
  return `${powers.config.issuer}/phone/undo?${new URLSearchParams({ t: token })}`;
}

const INSTANT = /^[0-9a-z]{8,9}$/;

/** The enrolment of a genuine token; no table is read for a forged one. */
async function enrolmentOf(
  powers: Pick<Services, "handles" | "secrets">,
  token: string,
): Promise<Enrolment | undefined> {
  const [user = "", device = "", at = "", mac = "", ...rest] = token.split(".", 5);
  const [userId, id] = [parseUserId(user), parseDeviceId(device)];
  if (!userId || !id || !INSTANT.test(at) || rest.length > 0) return undefined;
  const enrolment = { userId, id, enrolledAt: Number.parseInt(at, BASE) };
  return (await powers.secrets.equal(mac, await macOf(powers, enrolment))) ? enrolment : undefined;
}

/** What such a link can do: take the device back; nothing, for it is gone or the time is over; nothing, for no letter had it. */
export type Undo =
  | { readonly kind: "open" | "over"; readonly device: Device }
  | { readonly kind: "gone"; readonly device?: Device }
  | { readonly kind: "unknown" };

type LookPowers = Pick<Services, "handles" | "secrets" | "devices" | "clock">;

/** Reads such a link. Looking changes nothing: mail scanners look too (T68). */
export async function undoOf(powers: LookPowers, token: string): Promise<Undo> {
  const enrolment = await enrolmentOf(powers, token);
  if (enrolment === undefined) return { kind: "unknown" };
  const device = await powers.devices.byId(enrolment.id);
  if (device === undefined || device.userId !== enrolment.userId) return { kind: "gone" };
  if (device.revokedAt !== undefined) return { kind: "gone", device };
  return { kind: isNew(device, powers.clock.now()) ? "open" : "over", device };
}

/**
 * Takes the device back, by the word of who reads an address of its user: it approves nothing more, and what it opened ends. `undone` for the one
 * call that did it, so that it is told once.
 */
export async function undoEnrolment(
  powers: LookPowers & Parameters<typeof revokeDevice>[0],
  { token, ip }: Pick<Requester, "ip"> & { readonly token: string },
): Promise<Undo | { readonly kind: "undone"; readonly device: Device }> {
  const undo = await undoOf(powers, token);
  if (undo.kind !== "open") return undo;
  const { id: deviceId, userId } = undo.device;
  const asked = { userId, deviceId, reason: "undone", actor: "anonymous", ip };
  const revoked = await revokeDevice(powers, asked);
  if (!revoked.ok) return { kind: "gone" };
  const { device, repeated } = revoked.value;
  return { kind: repeated ? "gone" : "undone", device };
}
