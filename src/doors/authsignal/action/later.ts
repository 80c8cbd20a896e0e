import type { Client } from "../../../core/client/client.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import type { Services } from "../../../core/ports/services.ts";
import { hears } from "./webhook.ts";

/** Tells a client's webhook through the queue (§7.3, `authenticator.*`). What was changed stands, also when nobody can be told. */
export async function tellLater(
  powers: Pick<Services, "events" | "log">,
  client: Client,
  event: DoorEvent,
): Promise<void> {
  if (!hears(client, event.type)) return;
  try {
    await powers.events.send({ kind: "action_webhook", clientId: client.id, event });
  } catch (cause) {
    powers.log("error", "a webhook's event could not be queued", {
      clientId: client.id,
      type: event.type,
      cause,
    });
  }
}
