import { admits } from "../challenge/approvers.ts";
import { askerOf, type Client } from "../client/client.ts";
import type { ClientId } from "../ids.ts";
import type { Device } from "./device.ts";

/** A passkey signs what its browser makes of a ceremony of its own door: it can answer nothing that is asked here. */
export const isPasskey = ({ credentialId }: Device): boolean => credentialId !== undefined;

/** Whether this client's prompts may be answered by the device; a passkey answers none. */
export const answersFor = (client: Client, device: Device): boolean =>
  !isPasskey(device) && admits(askerOf(client), device);

/** A client sees the devices that it enrolled or let in, and those that may answer for it. */
export const isShownTo = (client: Client, device: Device): boolean =>
  isDeviceOf(device, client.id) || admits(askerOf(client), device);

/** Whether this client enrolled the device, through whichever door, or let it in. */
export const isDeviceOf = (
  { clientId, letInBy }: Pick<Device, "clientId" | "letInBy">,
  client: ClientId,
): boolean => clientId === client || letInBy === client;
