import { auditEvent, recordEvent } from "../audit/record.ts";
import { Outage } from "../fault.ts";
import type { DeliveryOutcome, SealedMessage } from "../ports/deliveries.ts";
import type { Services } from "../ports/services.ts";

type Powers = Pick<Services, "deliveries" | "inboxes" | "records" | "events" | "clock" | "chance" | "log">;

/** Seconds to wait after the first, second, … failed attempt: somebody is looking at their phone for the message. */
const RETRY_AFTER_SECONDS = [5, 15, 30, 60, 120] as const;

/** Attempts that the queue makes before it gives a message up: `max_retries` in wrangler.toml and the first one. */
export const DELIVERY_ATTEMPTS = RETRY_AFTER_SECONDS.length + 1;

const retryAfter = (attempts: number): number =>
  RETRY_AFTER_SECONDS[Math.min(Math.max(attempts, 1), RETRY_AFTER_SECONDS.length) - 1] ?? 120;

/**
 * Makes one attempt to send a message that the queue brought. Undefined: it is done, one way or the other; else the seconds after
 * which it should come again. What went out is not sent again, whatever the queue repeats; what has expired is not sent at all. What
 * cannot be sent is marked for the page that waits, put on record (`delivery_failed`), and after the last attempt given up to the
 * dead-letter queue.
 */
export async function deliverMessage(
  powers: Powers,
  message: SealedMessage,
  attempts: number,
): Promise<number | undefined> {
  const { inboxes, clock } = powers;
  const { subject, id, expiresAt } = message;
  const claim = await inboxes.claimDelivery(subject, id, expiresAt);
  if (claim === "over") return undefined;
  if (claim === "busy") return retryAfter(attempts);
  if (clock.now() >= expiresAt) return await giveUp(powers, message, "it expired before it could be sent");
  const outcome = await attempt(powers, message);
  if (outcome.kind === "sent") {
    await inboxes.endDelivery(subject, id, "sent");
    return undefined;
  }
  const { channel, template, clientId } = message;
  const { kind, reason } = outcome;
  powers.log("warn", "a message did not go out", { id, channel, template, clientId, attempts, kind, reason });
  if (kind === "refused") return await giveUp(powers, message, reason);
  if (attempts >= DELIVERY_ATTEMPTS) {
    await giveUp(powers, message, reason);
  } else {
    await inboxes.endDelivery(subject, id, "released");
  }
  return retryAfter(attempts);
}

/** What cannot be opened now may be opened later: the key's version may come back. */
async function attempt({ deliveries }: Powers, message: SealedMessage): Promise<DeliveryOutcome> {
  try {
    return await deliveries.attempt(message);
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    return { kind: "retry", reason: cause.message };
  }
}

async function giveUp(powers: Powers, message: SealedMessage, reason: string): Promise<undefined> {
  const { subject, id, channel, template, clientId, userId } = message;
  const data = { message_id: id, channel, template };
  const event = auditEvent(powers, {
    type: "delivery_failed",
    actor: "system",
    userId,
    clientId,
    reason,
    data,
  });
  await recordEvent(powers, event);
  await powers.inboxes.endDelivery(subject, id, "failed");
}
