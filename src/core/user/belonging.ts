import { isDeviceOf } from "../device/answers-for.ts";
import type { Device } from "../device/device.ts";
import type { ClientId, GrantId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { type Authenticator, verifiedCodes } from "./authenticator.ts";
import type { Identifier, User } from "./user.ts";

type Powers = Pick<Services, "devices" | "authenticators" | "records">;

/** Whose this user is for a client, and what that was read from. */
export async function belongingOf(powers: Powers, client: ClientId, record: UserRecord) {
  const { id } = record.user;
  const [devices, rows, signedInAt] = await Promise.all([
    powers.devices.ofUser(id),
    powers.authenticators.ofUser(id),
    clientsSignedIn(powers, client, id),
  ]);
  const held = { devices, addresses: verifiedCodes(rows), signedInAt };
  return { belongs: belongsTo(client, { ...record, ...held }), held };
}

/** The clients at which the user has a session; whatever comes behind another client's is not read any more. */
async function clientsSignedIn(
  { records }: Powers,
  client: ClientId,
  userId: UserId,
): Promise<readonly ClientId[]> {
  let after: GrantId | undefined;
  for (;;) {
    const page = await records.grantsOfUser(userId, after === undefined ? {} : { after });
    const others = page.filter(({ clientId }) => clientId !== client).map(({ clientId }) => clientId);
    const last = page.at(-1);
    if (others.length > 0 || last === undefined) return others;
    after = last.id;
  }
}

/** What says whose a user is: names, live devices, enrolled addresses, sessions. */
export type Holdings = {
  readonly user: Pick<User, "externalId" | "externalClient">;
  readonly identifiers: readonly Pick<Identifier, "client">[];
  readonly devices: readonly Pick<Device, "clientId" | "letInBy">[];
  readonly addresses: readonly Pick<Authenticator, "clientId">[];
  /** The clients at which the user is signed in. */
  readonly signedInAt: readonly ClientId[];
};

/** `wholly`: nobody else has anything of the user; `partly`: somebody has; `not`: this client has nothing. */
export type Belonging = "wholly" | "partly" | "not";

/**
 * Whose a user is, for a client that would delete, lock or unlock them: what was said, proven or enrolled through this client is its own,
 * the operator's word and everything through another client is not. A friend of `names_from` is another client here.
 */
export function belongsTo(client: ClientId, held: Holdings): Belonging {
  const { externalId, externalClient } = held.user;
  const isOwn = [
    ...(externalId === undefined ? [] : [externalClient === client]),
    ...held.identifiers.map((one) => one.client === client),
    ...held.devices.map((device) => isDeviceOf(device, client)),
    ...held.addresses.map(({ clientId }) => clientId === client),
  ];
  if (!isOwn.includes(true)) return "not";
  return isOwn.includes(false) || held.signedInAt.some((at) => at !== client) ? "partly" : "wholly";
}
