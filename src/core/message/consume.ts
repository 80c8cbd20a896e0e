import type { AuditEvent } from "../audit/event.ts";
import { wakeAgain } from "../challenge/push.ts";
import { settledMessage } from "../challenge/record.ts";
import { Outage } from "../fault.ts";
import { endGrants } from "../grant/end.ts";
import { isAlive } from "../grant/state.ts";
import { tellEnded } from "../grant/tell-ended.ts";
import type { DoorPorts, Services, TellPowers } from "../ports/services.ts";
import { deliverMessage } from "./deliver.ts";
import type { GrantListing, QueueMessage } from "./queue.ts";
import { tellWebhook, webhookRetrySeconds } from "./tell-webhook.ts";

type Powers = Pick<
  Services,
  "records" | "challenges" | "clients" | "clock" | "log" | "doors" | keyof DoorPorts
> &
  TellPowers &
  Parameters<typeof endGrants>[0] &
  Parameters<typeof deliverMessage>[0] &
  Parameters<typeof wakeAgain>[0] &
  Parameters<typeof tellWebhook>[0];

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
 * Lists a grant late. Meanwhile it may have ended and left the list; and whoever locked or deleted its user, or removed its device, could
 * not reach a grant that was not listed: it ends now. What became of its challenge is put on record all the same.
 */
async function listLate(powers: Powers, listing: GrantListing, event: AuditEvent): Promise<void> {
  const grant = (await powers.challenges.read(listing.id))?.grant;
  const isLive = grant !== undefined && isAlive(grant, powers.clock.now());
  const finished = await powers.records.finish(event, isLive ? listing : undefined);
  if (!finished.ok) {
    await powers.challenges.revoke(listing.id, "ended_before_it_was_listed");
    if (isLive) await tellEnded(powers, listing);
    await powers.records.finish(event);
  }
  await powers.challenges.markListed(listing.id);
}

/** Has a door tell its client. */
async function tellDoor(
  powers: Powers,
  {
    door,
    clientId,
    event,
  }: Pick<Extract<QueueMessage, { kind: "door_event" }>, "door" | "clientId" | "event">,
  attempts: number,
): Promise<Outcome> {
  const client = await powers.clients.find(clientId);
  const rules = powers.doors.find((candidate) => candidate.door === door);
  const again = client && (await rules?.tell?.(powers, { client, event }, attempts));
  return again ?? DONE;
}

/** Challenges that nobody has decided: it is their objects that say so, and a door may have somebody to tell. */
async function tellEnds(powers: Powers, events: readonly AuditEvent[]): Promise<void> {
  for (const { type, data } of events) {
    if (!/\.(expired|cancelled)$/.test(type)) continue;
    const { challenge_id: text, door } = data ?? {};
    const isHeard = powers.doors.some((rules) => rules.door === door && rules.settled);
    const id = isHeard && typeof text === "string" ? powers.challenges.parse(text) : undefined;
    const ended = id && (await powers.challenges.read(id));
    const message = ended && settledMessage(powers, ended);
    if (message) await powers.events.send(message);
  }
}

/**
 * Does what one message asks. Every kind may arrive twice: rows are written by INSERT OR IGNORE, and what has ended stays ended.
 * A kind that this version does not know is not done: a newer version takes it.
 */
async function handle(powers: Powers, message: QueueMessage, attempts: number): Promise<Outcome> {
  switch (message.kind) {
    case "audit":
      await powers.records.audit(message.events);
      await tellEnds(powers, message.events);
      return DONE;
    case "list_grant":
      await listLate(powers, message.grant, message.event);
      return DONE;
    case "grant_ended":
      await powers.records.removeGrant(message.userId, message.grantId, message.event);
      return DONE;
    case "revoke_grants": {
      const { userId, reason, deviceId, sessionId, after, actor = "system" } = message;
      await endGrants(powers, { userId, reason, actor, deviceId, sessionId, after });
      return DONE;
    }
    case "deliver":
      return (await deliverMessage(powers, message.message, attempts)) ?? DONE;
    case "push":
      return (await wakeAgain(powers, message, attempts)) ?? DONE;
    case "webhook": {
      const told = await tellWebhook(powers, message.clientId, message.event);
      return told.kind === "retry" ? webhookRetrySeconds(attempts) : DONE;
    }
    case "action_webhook":
      return await tellDoor(powers, { ...message, door: "authsignal" }, attempts);
    case "door_event":
      return await tellDoor(powers, message, attempts);
    case "tell_ended": {
      const rules = powers.doors.find(({ door }) => door === message.door);
      return (await rules?.tellEnded?.(powers, message.grant, attempts)) ?? DONE;
    }
  }
  return delayAfter(attempts);
}
