import type { Client } from "../client/client.ts";
import { allowsBareTap } from "../client/settings.ts";
import type { ClientId, DeviceId } from "../ids.ts";
import { RECOVERY_WAIT } from "../inbox/limits.ts";
import { DAY, type Instant, MINUTE, type Millis, SECOND } from "../time.ts";
import { answersFor } from "./answers-for.ts";
import type { Device } from "./device.ts";
import { isOwn } from "./own-pages.ts";

/** Live passkeys of our pages that a user may have, and live keys of the phone page beside them. */
export const MOST_PASSKEYS = 10;
/** How long after its sign-in a session may add and remove devices of our pages (T33). */
export const FRESH: Millis = 5 * MINUTE;
/** How long after such a device was removed a code adds none: as long as for a device in place of a lost one. */
export const AFTER_REMOVAL: Millis = RECOVERY_WAIT;

/** For how long a new device is marked, may be taken back by every other one, and removes none that is older (T33). */
export const UNDO: Millis = DAY;

export const isNew = ({ enrolledAt }: Pick<Device, "enrolledAt">, now: Instant): boolean =>
  now < enrolledAt + UNDO;

/** Who lets a new device in: a session, by the device that approved it if one did. */
export type LetIn = { readonly deviceId?: DeviceId };

/** Whether the user of this session was there a moment ago; `authTime` is in seconds. */
export const isFresh = ({ authTime }: { readonly authTime: number }, now: Instant): boolean =>
  now < authTime * SECOND + FRESH;

/** Why a session adds no device. */
export type Closed =
  | { readonly kind: "full" }
  /** Signed in by a code, where a device of our pages or the phone could have been used. */
  | { readonly kind: "stronger" }
  /** Signed in by a code, a short while after a device was removed. */
  | { readonly kind: "waits"; readonly until: Instant };

const isLive = ({ revokedAt }: Device): boolean => revokedAt === undefined;

/**
 * A code adds the first device of our pages alone: whoever reads the mail of somebody who has one does not come to one of their own, and not by
 * removing that one first either (T33). `ever` are all devices that the user has had. A recovery code lifts all but the number.
 */
export function closedBy(
  client: Client,
  { deviceId }: LetIn,
  ever: readonly Device[],
  now: Instant,
): Closed | undefined {
  const own = ever.filter(isOwn);
  const live = own.filter(isLive).length;
  if (live >= MOST_PASSKEYS) return { kind: "full" };
  if (deviceId !== undefined) return undefined;
  if (live > 0 || ever.some((device) => isLive(device) && isAskedBare(client, device))) {
    return { kind: "stronger" };
  }
  const until = Math.max(0, ...own.map(({ revokedAt = 0 }) => revokedAt)) + AFTER_REMOVAL;
  return now < until ? { kind: "waits", until } : undefined;
}

/** Whether the sign-in page would ask this device, and it can answer: one that cannot take a number is asked only where none is shown. */
const isAskedBare = (client: Client, device: Device): boolean =>
  (client.settings.match_code === "off" || allowsBareTap(client.settings)) && answersFor(client, device);

/** The client whose device had let the session in, and so lets in the new one; none where a code or a device of our pages had. */
export function letInTo({ deviceId }: LetIn, ever: readonly Device[]): ClientId | undefined {
  const signer = ever.find(({ id }) => id === deviceId);
  return signer && isOwn(signer) ? signer.letInBy : signer?.clientId;
}

/** Whether a code stands behind the new device and nothing else: it opened the session itself, or let in the device that now lets in this one. */
export function comesByCode({ deviceId }: LetIn, ever: readonly Device[], now: Instant): boolean {
  if (deviceId === undefined) return true;
  const signer = ever.find(({ id }) => id === deviceId);
  return signer?.byCode === true && isNew(signer, now);
}
