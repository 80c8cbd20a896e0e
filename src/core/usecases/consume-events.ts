import { Outage } from "../fault.ts";
import { isAlive } from "../grant/state.ts";
import type { GrantListing, QueueMessage } from "../messages.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import { deliverMessage } from "./deliver-message.ts";
import { endGrants } from "./end-grants.ts";
import { tellActionWebhook } from "./tell-action-webhook.ts";
import { tellWebhook, webhookRetrySeconds } from "./tell-webhook.ts";

type Powers = Pick<
  Services,
  | "deliveries"
  | "inboxes"
  | "records"
  | "rooms"
  | "users"
  | "devices"
  | "events"
  | "clients"
  | "secrets"
  | "webhooks"
  | "actionWebhooks"
  | "clock"
  | "chance"
  | "log"
>;

/** One delivery of the queue, as the platform hands it over. */
export type Delivery = {
  readonly body: QueueMessage;
  /** 1 at the first time. */
  readonly attempts: number;
  ack(): void;
  retry(options: { delaySeconds: number }): void;
};

const DONE = "done";
/** Done, or seconds until the message should come again. */
type Outcome = typeof DONE | number;

/** Authsignal §7.3: up to three retries, at least 30 seconds apart. */
const ACTION_WEBHOOK_RETRIES = 3;
const ACTION_WEBHOOK_PAUSE = 30;

const LONGEST_DELAY_SECONDS = 600;
const delayAfter = (attempts: number): number => Math.min(LONGEST_DELAY_SECONDS, 5 * 3 ** (attempts - 1));

/** Each message answers for itself: one that fails comes again, later each time, and its neighbours do not. */
export async function consumeEvents(powers: Powers, deliveries: readonly Delivery[]): Promise<void> {
  await Promise.all(deliveries.map((delivery) => consume(powers, delivery)));
}

async function consume(powers: Powers, delivery: Delivery): Promise<void> {
  const { body, attempts } = delivery;
  let outcome: Outcome;
  try {
    outcome = await handle(powers, body, attempts);
  } catch (cause) {
    const level = cause instanceof Outage ? "warn" : "error";
    powers.log(level, "a queued message has to come again", { kind: body.kind, attempts, cause });
    outcome = delayAfter(attempts);
  }
  if (outcome === DONE) delivery.ack();
  else delivery.retry({ delaySeconds: outcome });
}

/**
 * What a late message about a grant's birth may still list. Meanwhile the grant may have ended and left the list; and a user who was
 * locked or deleted, or a device that was removed, could not reach a grant that was not listed: it ends now.
 */
async function stillAlive(powers: Powers, listing: GrantListing): Promise<GrantListing | undefined> {
  const grant = (await powers.rooms.read(listing.id))?.grant;
  if (!grant || !isAlive(grant, powers.clock.now())) return undefined;
  const user = await powers.users.byId(listing.userId, ANY_REALM);
  const device = listing.deviceId === undefined ? undefined : await powers.devices.byId(listing.deviceId);
  const stands = user?.user.status === "active" && device?.revokedAt === undefined;
  if (!stands) await powers.rooms.revoke(listing.id, "ended_before_it_was_listed");
  return stands ? listing : undefined;
}

/**
 * Does what one message asks. Every kind may arrive twice: rows are written by INSERT OR IGNORE, and what has ended stays ended.
 * A kind that this version does not know is not done: a newer version takes it.
 */
async function handle(powers: Powers, message: QueueMessage, attempts: number): Promise<Outcome> {
  switch (message.kind) {
    case "audit":
      await powers.records.audit(message.events);
      return DONE;
    case "list_grant":
      await powers.records.finish(message.event, await stillAlive(powers, message.grant));
      return DONE;
    case "grant_ended":
      await powers.records.removeGrant(message.userId, message.grantId, message.event);
      return DONE;
    case "revoke_grants": {
      const { userId, reason, deviceId, after, actor = "system" } = message;
      await endGrants(powers, { userId, reason, actor, deviceId, after });
      return DONE;
    }
    case "deliver":
      return (await deliverMessage(powers, message.message, attempts)) ?? DONE;
    case "webhook": {
      const told = await tellWebhook(powers, message.clientId, message.event);
      return told.kind === "retry" ? webhookRetrySeconds(attempts) : DONE;
    }
    case "action_webhook": {
      const client = await powers.clients.find(message.clientId);
      const told = client && (await tellActionWebhook(powers, client, message.event));
      return told?.kind === "retry" && attempts <= ACTION_WEBHOOK_RETRIES
        ? ACTION_WEBHOOK_PAUSE * attempts
        : DONE;
    }
  }
  return delayAfter(attempts);
}
