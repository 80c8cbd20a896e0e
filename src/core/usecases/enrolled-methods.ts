import type { Authenticator } from "../action/authenticator.ts";
import type { Device } from "../device/device.ts";
import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";

/** Ways in which a device of this door may be used (Authsignal §6.1); `device` is all of them. */
export const NAMESPACES = ["push", "qr-code", "in-app", "device"] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** What a user has enrolled: live devices of every door, and codes that came back. */
export type Enrolled = {
  readonly devices: readonly Device[];
  /** Rows beside devices, and those of e-mail and SMS. */
  readonly rows: readonly Authenticator[];
};

/** The namespace of an Authsignal device is the first word of its kind; another door's device is not bound to any. */
export function namespaceOf(device: Device): Namespace | undefined {
  if (device.door !== "authsignal") return undefined;
  const [word] = device.kind.split(" ");
  return NAMESPACES.find((namespace) => namespace === word);
}

/** `ios` or `android`, as the app wrote it in lower case; empty when it did not. */
export const platformOf = (device: Device): string =>
  device.door === "authsignal" ? device.kind.split(" ").slice(1).join(" ") : "";

/** A passkey signs what its browser makes of a ceremony of its own door: it can answer nothing that is asked here. */
export const isPasskey = ({ credentialId }: Device): boolean => credentialId !== undefined;

/** A device is good in its own namespace, and everywhere when it was enrolled through `device` or another door. A passkey is nowhere. */
export function servesIn(device: Device, namespace: Namespace): boolean {
  if (isPasskey(device)) return false;
  const own = namespaceOf(device);
  return own === undefined || own === "device" || namespace === "device" || own === namespace;
}

/** Everything that the user has enrolled. */
export async function enrolledOf(
  powers: Pick<Services, "devices" | "authenticators">,
  userId: UserId,
): Promise<Enrolled> {
  const [devices, rows] = await Promise.all([
    powers.devices.ofUser(userId),
    powers.authenticators.ofUser(userId),
  ]);
  return { devices, rows };
}

/** Codes that came back at least once. */
export const verifiedCodes = ({ rows }: Enrolled): readonly Authenticator[] =>
  rows.filter(({ kind, verifiedAt }) => kind !== "device" && verifiedAt !== undefined);

/** Whether the user has anything at all: who has may add more only by the word of a token. */
export const isEnrolled = (enrolled: Enrolled): boolean =>
  enrolled.devices.length > 0 || verifiedCodes(enrolled).length > 0;

/** Whether the user could meet a challenge of this door. */
export const canMeet = (enrolled: Enrolled): boolean =>
  enrolled.devices.some((device) => !isPasskey(device)) || verifiedCodes(enrolled).length > 0;

/** The devices that could answer a push challenge. */
export const pushDevices = (devices: readonly Device[]): readonly Device[] =>
  devices.filter((device) => servesIn(device, "push"));
