import { admits } from "../../../core/challenge/approvers.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import type { Device } from "../../../core/device/device.ts";

/** Whether it was enrolled on our own page. What another door calls a passkey may be a key that a backend has made. */
export const isOwnPasskey = ({ door, credentialId }: Device): boolean =>
  door === "oauth" && credentialId !== undefined;

/**
 * Whether a passkey signs in on our page for this client: one of our page does for each client of its realm, as the session did in which it
 * was enrolled. Where a client's device had let it in, it goes as far as that device (docs/decisions/0042, 0085).
 */
export function signsInFor(client: Client, device: Device): boolean {
  const { realm, letInBy } = device;
  if (!isOwnPasskey(device) || realm !== client.realm) return false;
  return letInBy === undefined || admits(askerOf(client), { clientId: letInBy, realm });
}
