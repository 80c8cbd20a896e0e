import type { Client } from "../../../core/client/client.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import type { Told } from "../../../core/message/tell-webhook.ts";
import type { Services } from "../../../core/ports/services.ts";

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
export const tellActionWebhook = async (
  { actionWebhooks }: Pick<Services, "actionWebhooks">,
  client: Client,
  event: DoorEvent,
): Promise<Told> =>
  hears(client, event.type) ? await actionWebhooks.send(client, event) : { kind: "skipped" };
