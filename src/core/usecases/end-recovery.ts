import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { type UserId, userSubject } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { auditEvent } from "./audit-event.ts";
import { recordEvent } from "./record-event.ts";
import { recoverySecret } from "./recover-device.ts";

export type EndRecovery = {
  readonly client: Client;
  readonly userId: UserId;
  /** When the wait began. */
  readonly since: number;
  /** What the letter held. */
  readonly secret: string;
};

/** Whether the secret is that of a letter about this wait. Looking writes nothing. */
export async function isOfWait(
  powers: Pick<Services, "handles" | "secrets">,
  { client, userId, since, secret }: EndRecovery,
): Promise<boolean> {
  const own = await recoverySecret(powers, { userId, clientId: client.id, since });
  return await powers.secrets.equal(secret, own);
}

/**
 * Ends the wait for a device in place of a lost one, by the word of who reads an address; false when it does not run, or the secret is
 * wrong.
 */
export async function endRecovery(
  powers: Pick<Services, "handles" | "secrets" | "inboxes" | "records" | "events" | "chance" | "clock">,
  asked: EndRecovery & { readonly origin: Origin },
): Promise<boolean> {
  if (!(await isOfWait(powers, asked))) return false;
  const { client, userId, since, origin } = asked;
  if (!(await powers.inboxes.endWait(userSubject(userId), client.id, since))) return false;
  const by = { actor: "anonymous", ip: origin.ip, reason: "by_letter" };
  await recordEvent(
    powers,
    auditEvent(powers, { type: "recovery.ended", userId, clientId: client.id, ...by }),
  );
  return true;
}
