import type { AuditEvent } from "../audit/event.ts";
import type { Client } from "../client/client.ts";
import type { ClientId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { WebhookOutcome, WebhookTarget } from "../ports/webhooks.ts";

type Powers = Pick<Services, "clients" | "secrets" | "webhooks" | "clock" | "log">;

/** `skipped`: there is nobody to tell, or nothing to sign with (a public client has no secret). */
export type Told = WebhookOutcome | { readonly kind: "skipped" };

/** Seconds to wait after the first, second, … failed attempt; the last one repeats. The queue gives up after its own count. */
const RETRY_AFTER_SECONDS = [10, 60, 300, 1_800, 7_200] as const;

/** Seconds until the next attempt, after this many (1 = the first) have failed. */
export const webhookRetrySeconds = (attempts: number): number =>
  RETRY_AFTER_SECONDS[Math.min(Math.max(attempts, 1), RETRY_AFTER_SECONDS.length) - 1] ?? 7_200;

/**
 * Tells a client's webhook of an event, signed with every secret of the client that works now (T84, T98). Nothing is sent for an
 * unknown or disabled client, or one without webhook or secret. Repeating is safe: the receiver knows the event by its id.
 */
export async function tellWebhook(powers: Powers, clientId: ClientId, event: AuditEvent): Promise<Told> {
  const client = await powers.clients.find(clientId);
  return client === undefined
    ? { kind: "skipped" }
    : await sendSigned(powers, client, event, (target) => powers.webhooks.send(target, event));
}

/** Sends what `send` makes of the target: the client's address, with every secret that works now. What did not arrive is logged. */
export async function sendSigned(
  powers: Pick<Services, "clients" | "secrets" | "clock" | "log">,
  { id: clientId, webhookUrl: url, disabledAt }: Client,
  { id: eventId, type }: Pick<AuditEvent, "id" | "type">,
  send: (target: WebhookTarget) => Promise<WebhookOutcome>,
): Promise<Told> {
  if (url === undefined || disabledAt !== undefined) return { kind: "skipped" };
  const sealed = await powers.clients.secretsOf(clientId, powers.clock.now());
  const [newest, ...older] = await Promise.all(sealed.map((text) => powers.secrets.unseal(text)));
  if (newest === undefined) return { kind: "skipped" };
  const outcome = await send({ url, clientId, secrets: [newest, ...older] });
  if (outcome.kind !== "sent") {
    const { kind, reason } = outcome;
    powers.log("warn", "a webhook did not arrive", { clientId, eventId, type, outcome: kind, reason });
  }
  return outcome;
}
