import type { Client } from "../../../core/client/client.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import type { Told } from "../../../core/message/tell-webhook.ts";
import type { Services } from "../../../core/ports/services.ts";

type Powers = Pick<Services, "clients" | "secrets" | "actionWebhooks" | "clock" | "log">;

/** Events that a client is told of when its settings do not say (Authsignal §7.3). */
export const TOLD_BY_DEFAULT: readonly string[] = [
  "push.created",
  "authenticator.created",
  "authenticator.updated",
  "authenticator.deleted",
];

/** Whether this client is told of events of this type. */
export const hears = (client: Client, type: string): boolean =>
  client.webhookUrl !== undefined &&
  client.disabledAt === undefined &&
  (client.settings.webhook_events ?? TOLD_BY_DEFAULT).includes(type);

/**
 * Tells a client's webhook of an event of the Authsignal door, at once and once. `skipped` when the client does not hear of such
 * events or has no secret to sign with.
 */
export async function tellActionWebhook(powers: Powers, client: Client, event: DoorEvent): Promise<Told> {
  const { webhookUrl } = client;
  if (webhookUrl === undefined || !hears(client, event.type)) return { kind: "skipped" };
  const sealed = await powers.clients.secretsOf(client.id, powers.clock.now());
  const [newest, ...older] = await Promise.all(sealed.map((text) => powers.secrets.unseal(text)));
  if (newest === undefined) return { kind: "skipped" };
  const target = { url: webhookUrl, clientId: client.id, secrets: [newest, ...older] } as const;
  const outcome = await powers.actionWebhooks.send(target, event);
  if (outcome.kind !== "sent") {
    const { kind, reason } = outcome;
    powers.log("warn", "a webhook did not arrive", {
      clientId: client.id,
      eventId: event.id,
      type: event.type,
      outcome: kind,
      reason,
    });
  }
  return outcome;
}
