import { admits } from "../../../core/challenge/approvers.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import { answersFor, isPasskey, isShownTo } from "../../../core/device/answers-for.ts";
import type { Device } from "../../../core/device/device.ts";
import type { UserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord, UserWithWays } from "../../../core/ports/users.ts";
import { type Authenticator, verifiedCodes } from "../../../core/user/authenticator.ts";
import { reachableForm } from "../../../core/user/identifier.ts";
import type { Identifier } from "../../../core/user/user.ts";

/** Ways in which a device of this door may be used (Authsignal §6.1); `device` is all of them. */
export const NAMESPACES = ["push", "qr-code", "in-app", "device"] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** What a user has enrolled: live devices of every door, and codes that came back; and what was taken from them. */
export type Enrolled = {
  readonly devices: readonly Device[];
  /** Rows beside devices, and those of e-mail and SMS. */
  readonly rows: readonly Authenticator[];
  readonly removed: { readonly devices: readonly Device[]; readonly addresses: readonly string[] };
};

/** Of somebody who is made now. */
export const NOTHING_ENROLLED: Enrolled = {
  devices: [],
  rows: [],
  removed: { devices: [], addresses: [] },
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

/** A device is good in its own namespace, and everywhere when it was enrolled through `device` or another door. A passkey is nowhere. */
export function servesIn(device: Device, namespace: Namespace): boolean {
  if (isPasskey(device)) return false;
  const own = namespaceOf(device);
  return own === undefined || own === "device" || namespace === "device" || own === namespace;
}

/** Everything that the user has, or once had, enrolled. */
export async function enrolledOf(
  powers: Pick<Services, "devices" | "authenticators">,
  userId: UserId,
): Promise<Enrolled> {
  const [devices, ways] = await Promise.all([
    powers.devices.ofUser(userId, { withRevoked: true }),
    powers.authenticators.ofUser(userId),
  ]);
  return enrolledIn({ devices, ways });
}

/** The same of what was read with the user. */
export function enrolledIn({ devices, ways: rows }: Pick<UserWithWays, "devices" | "ways">): Enrolled {
  const isLeft = ({ removedAt, verifiedAt }: Authenticator) =>
    removedAt !== undefined && verifiedAt === undefined;
  return {
    devices: devices.filter(({ revokedAt }) => revokedAt === undefined),
    rows: rows.filter((row) => !isLeft(row)),
    removed: {
      devices: devices.filter(({ revokedAt }) => revokedAt !== undefined),
      addresses: rows.filter(isLeft).map(({ id }) => id),
    },
  };
}

/** Of them, those that may answer for this client: its own, and those that its settings admit, as with devices. */
export const admittedCodes = (
  client: Client,
  user: UserRecord,
  rows: readonly Authenticator[],
): readonly Authenticator[] =>
  verifiedCodes(rows).filter(
    (row) =>
      row.clientId !== undefined &&
      admits(askerOf(client), { clientId: row.clientId, realm: client.realm }) &&
      !isOthersWord(client, user, row),
  );

/** Of all that the user has, what may answer for this client: what others enrolled is nothing that it can ask for. */
export const enrolledFor = (client: Client, user: UserRecord, enrolled: Enrolled): Enrolled => ({
  ...enrolled,
  devices: enrolled.devices.filter((device) => answersFor(client, device)),
  rows: admittedCodes(client, user, enrolled.rows),
});

/** Of all that the user has, what this client is told of: also what it let in, and passkeys. */
export const listedFor = (client: Client, user: UserRecord, enrolled: Enrolled): Enrolled => ({
  ...enrolled,
  devices: enrolled.devices.filter((device) => isShownTo(client, device)),
  rows: enrolled.rows.filter(
    (row) => row.kind === "device" || admittedCodes(client, user, [row]).length === 1,
  ),
});

/**
 * Whether nothing but another client's backend says that the address is the user's. Its word is good for that client alone; an address
 * that has left the names was somebody's proof as likely, and counts on.
 */
function isOthersWord(
  client: Client,
  { identifiers }: UserRecord,
  { clientId, ...row }: Authenticator,
): boolean {
  if (row.identifier === undefined || clientId === undefined || clientId === client.id) return false;
  const names = identifiers.filter(
    (name) => name.kind === KINDS[row.kind] && reachableForm(name) === row.identifier,
  );
  const isWord = ({ client: giver, verifiedAt, vouchedAt }: Identifier) =>
    giver === clientId && verifiedAt === undefined && vouchedAt !== undefined;
  return names.some(isWord) && !names.some(({ verifiedAt }) => verifiedAt !== undefined);
}

/**
 * Of all that the user has, what makes them somebody who is asked: devices whatever client enrolled them, since who can use none of them here
 * may have lost the others; without what only another client's backend vouched for.
 */
export const countedFor = (client: Client, user: UserRecord, enrolled: Enrolled): Enrolled => ({
  ...enrolled,
  rows: enrolled.rows.filter((row) => !isOthersWord(client, user, row)),
});

const KINDS = { email: "email", sms: "phone", device: undefined } as const;

/**
 * Whether the user never had anything: only such a one begins without the word of a token. Whoever lost what they had is as likely the
 * one who took it away.
 */
export const neverEnrolled = ({ devices, rows, removed }: Enrolled): boolean =>
  devices.length + verifiedCodes(rows).length + removed.devices.length + removed.addresses.length === 0;

/** Whether the user could meet a challenge of this door, or could once: losing the way is no leave to go on without. */
export const mustMeet = ({ devices, rows, removed }: Enrolled): boolean =>
  [...devices, ...removed.devices].some((device) => !isPasskey(device)) ||
  verifiedCodes(rows).length + removed.addresses.length > 0;

/** The devices that could answer a push challenge. */
export const pushDevices = (devices: readonly Device[]): readonly Device[] =>
  devices.filter((device) => servesIn(device, "push"));
