import { auditEvent } from "../audit/record.ts";
import type { Client } from "../client/client.ts";
import { hearsOfPrompts } from "../client/settings.ts";
import { Outage } from "../fault.ts";
import { type UserId, userSubject } from "../ids.ts";
import type { Listed } from "../inbox/prompts.ts";
import type { Subscription } from "../inbox/state.ts";
import { addressOf, serviceOf } from "../inbox/subscriptions.ts";
import type { QueueMessage } from "../message/queue.ts";
import type { PromptNote, PushOutcome } from "../ports/pushes.ts";
import type { Services } from "../ports/services.ts";
import { SECOND } from "../time.ts";

type SendPowers = Pick<Services, "pushes" | "inboxes" | "log">;

/** A request that was put before a user. */
export type Announced = PromptNote & { readonly userId: UserId; readonly client: Client };

/**
 * Behind the answer of a start whose prompt was listed: wakes the devices before which it stands, and tells its client where that asked for it.
 * The page that is open needs neither, so what fails delays nobody.
 */
export function announce(
  powers: SendPowers & Pick<Services, "events" | "clock" | "chance" | "background">,
  announced: Announced,
  { push = [] }: Listed,
): void {
  const { userId, client, challengeId, expiresAt } = announced;
  for (const subscription of push) powers.background(() => wakeFirst(powers, announced, subscription));
  if (!hearsOfPrompts(client.settings)) return;
  const event = auditEvent(powers, {
    type: "prompt.created",
    actor: "system",
    userId,
    clientId: client.id,
    data: { challenge_id: challengeId, expires_at: new Date(expiresAt).toISOString() },
  });
  powers.background(() => powers.events.send({ kind: "webhook", clientId: client.id, event }));
}

/** At once; what may pass comes again by the queue, which holds ids alone. */
async function wakeFirst(
  powers: SendPowers & Pick<Services, "events">,
  { userId, challengeId, expiresAt }: Announced,
  subscription: Subscription,
): Promise<void> {
  const outcome = await wake(powers, userId, subscription, { challengeId, expiresAt });
  if (outcome !== "retry") return;
  const { device } = subscription;
  await powers.events.send({ kind: "push", userId, challengeId, device, expiresAt });
}

/** Makes one attempt; a subscription that has ended is forgotten, unless the device has given another meanwhile. */
async function wake(
  { pushes, inboxes, log }: SendPowers,
  userId: UserId,
  { device, target }: Subscription,
  note: PromptNote,
): Promise<"done" | "retry"> {
  const outcome = await attempt(() => pushes.send(target, note));
  if (outcome.kind === "sent") return "done";
  if (outcome.kind === "gone") {
    await inboxes.unsubscribe(userSubject(userId), device, addressOf(target));
    log("info", "a device has ended its push subscription", { deviceId: device });
    return "done";
  }
  const { kind, reason } = outcome;
  log("warn", "a device was not woken", { deviceId: device, service: serviceOf(target), kind, reason });
  return kind === "retry" ? "retry" : "done";
}

/** The own key may be readable again in a moment. */
async function attempt(send: () => Promise<PushOutcome>): Promise<PushOutcome> {
  try {
    return await send();
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    return { kind: "retry", reason: cause.message };
  }
}

/** Seconds to wait after the first, second, … failed attempt of the queue. */
const RETRY_AFTER_SECONDS = [5, 15, 30, 60, 120] as const;

/**
 * Another attempt, by the queue. Undefined: it is done, or the request has been answered or is over; else the seconds after which it should
 * come again. Where the device is woken is read anew: nothing of it rests in the queue.
 */
export async function wakeAgain(
  powers: SendPowers & Pick<Services, "clock">,
  { userId, challengeId, device, expiresAt }: Extract<QueueMessage, { kind: "push" }>,
  attempts: number,
): Promise<number | undefined> {
  if (powers.clock.now() >= expiresAt) return undefined;
  const who = userSubject(userId);
  const [prompt, subscriptions] = await Promise.all([
    powers.inboxes.find(who, challengeId),
    powers.inboxes.subscriptionsOf(who),
  ]);
  const subscription = subscriptions.find((one) => one.device === device);
  if (prompt?.status.name !== "live" || subscription === undefined) return undefined;
  if ((await wake(powers, userId, subscription, { challengeId, expiresAt })) === "done") return undefined;
  const seconds = RETRY_AFTER_SECONDS[attempts - 1];
  const isLate = seconds === undefined || powers.clock.now() + seconds * SECOND >= expiresAt;
  return isLate ? undefined : seconds;
}
