import { admits, type Enroller } from "../challenge/approvers.ts";
import { askerOf, type Client } from "../client/client.ts";
import type { Device } from "./device.ts";

/** A passkey that was enrolled on a page of ours. What another door calls a passkey may be a key that a backend has made. */
export const isOwnPasskey = ({ door, credentialId }: Device): boolean =>
  door === "oauth" && credentialId !== undefined;

/** A device that a page of ours enrolled, or an app by the same calls: a passkey, or a key of the phone page. */
export const isOwn = (device: Device): boolean => isOwnPasskey(device) || device.door === "approver";

/**
 * How far a device of our pages reaches: each client of its realm, because these pages say who asks (docs/decisions/0087). Where a client's
 * device had let it in, it goes as far as that device (docs/decisions/0042, 0085).
 */
export const reachOf = ({ clientId, realm, letInBy }: Device): Enroller =>
  letInBy === undefined ? { clientId, realm, reach: "realm" } : { clientId: letInBy, realm };

/** Whether a session that a device of our pages began, or a sign-in by it there, is good for this client. */
export const signsInFor = (client: Client, device: Device): boolean =>
  isOwn(device) && device.realm === client.realm && admits(askerOf(client), reachOf(device));
