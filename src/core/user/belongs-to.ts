import type { Authenticator } from "../action/authenticator.ts";
import type { Device } from "../device/device.ts";
import type { ClientId } from "../ids.ts";
import type { Identifier, User } from "./user.ts";

/** What says whose a person is: names, live devices, enrolled addresses, sessions. */
export type Holdings = {
  readonly user: Pick<User, "externalId" | "externalClient">;
  readonly identifiers: readonly Pick<Identifier, "client">[];
  readonly devices: readonly Pick<Device, "clientId" | "letInBy">[];
  readonly addresses: readonly Pick<Authenticator, "clientId">[];
  /** The clients at which the person is signed in. */
  readonly signedInAt: readonly ClientId[];
};

/** `wholly`: nobody else has anything of the person; `partly`: somebody has; `not`: this client has nothing. */
export type Belonging = "wholly" | "partly" | "not";

/** Whether this client enrolled the device, through whichever door, or let it in. */
export const isDeviceOf = (
  { clientId, letInBy }: Pick<Device, "clientId" | "letInBy">,
  client: ClientId,
): boolean => clientId === client || letInBy === client;

/**
 * Whose a person is, for a client that would delete, lock or unlock them: what was said, proven or enrolled through this client is its own,
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
