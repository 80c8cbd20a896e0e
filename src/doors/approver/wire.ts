import type { Device } from "../../core/device/device.ts";
import { isNew } from "../../core/device/own-enrolment.ts";
import { isOwn } from "../../core/device/own-pages.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import type { Instant } from "../../core/time.ts";

export const iso = (at: Instant): string => new Date(at).toISOString();

/** How the user is shown to themself: by an address that they have proven. */
export const accountOf = ({ user, identifiers }: UserRecord): string =>
  identifiers.find(({ verifiedAt }) => verifiedAt !== undefined)?.value ?? user.id;

const kindOf = (device: Device): string => {
  if (!isOwn(device)) return device.kind;
  return device.credentialId === undefined ? "key" : "passkey";
};

/**
 * Whether this device may see and change the other. One that a client's device had let in goes as far as that one here too: else a backend that
 * enrols devices of its own would come to those of the whole realm.
 */
export const isWithin = (own: Device, other: Device): boolean =>
  own.letInBy === undefined || (isOwn(other) ? other.letInBy : other.clientId) === own.letInBy;

/** Whether this device may remove the other: one of our pages, or whichever it is while it is new; none that is older than a new one. */
export const mayRemove = (own: Device, other: Device, now: Instant): boolean =>
  isWithin(own, other) &&
  (isOwn(other) || isNew(other, now)) &&
  (own.id === other.id || !isNew(own, now) || other.enrolledAt > own.enrolledAt);

/** A device as its user's devices see it; `own` is the one that asks. */
export const deviceWire = (own: Device, device: Device, now: Instant) => ({
  id: device.id,
  name: device.name,
  kind: kindOf(device),
  enrolled_at: iso(device.enrolledAt),
  this: own.id === device.id,
  new: isNew(device, now),
  removable: mayRemove(own, device, now),
});
