import { type Caller, isStranger } from "../core/caller.ts";
import { Outage } from "../core/fault.ts";
import { textsSubject } from "../core/ids.ts";
import { halfOf, OPEN_SHARE, partOf } from "../core/inbox/limits.ts";
import { type SmsRules, smsCounts } from "../core/message/sms-policy.ts";
import type { Channel, Deliveries, DeliveryState, Message } from "../core/ports/deliveries.ts";
import type { Clock, Events, Log, Phones } from "../core/ports/edge.ts";
import type { Inboxes } from "../core/ports/inboxes.ts";
import type { Sealing } from "../core/ports/secrets.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { HOUR } from "../core/time.ts";
import { type Carrier, isOneAddress, type Letter } from "./carrier.ts";
import { type LetterPlace, writeLetter } from "./letter.ts";

/** Who carries the letters of a channel; a channel without one is not served. */
export type Carriers = Partial<Record<Channel, Carrier>>;

export type DeliveryNeeds = {
  readonly carriers: Carriers;
  /** `at_once` in the development outbox: nothing can fail that would be worth a queue. */
  readonly way: "queue" | "at_once";
  readonly sms: SmsRules;
  readonly place: LetterPlace;
  readonly clock: Clock;
  readonly events: Events;
  readonly inboxes: Pick<Inboxes, "countTogether" | "deliveryOf">;
  readonly phones: Phones;
  readonly sealing: Sealing;
  readonly log: Log;
};

const PURPOSE = "message";
const ID = /^[A-Za-z0-9_-]{1,100}$/;

type Limited = RefusalOf<"not_allowed" | "too_many">;

/** What leaves the service, by the carriers that the deployment has chosen. */
export function makeDeliveries(needs: DeliveryNeeds): Deliveries {
  const { carriers, clock, sealing, place } = needs;
  const unheard = makeUnheard(needs);
  return {
    async send(message, caller) {
      if (!ID.test(message.id)) throw new TypeError("a message's id has other characters than it may");
      const carrier = carriers[message.channel];
      if (carrier === undefined) {
        unheard(message.channel);
        return no({
          code: "delivery_failed",
          detail: "messages of this kind are not sent here",
          uncarried: true,
        });
      }
      if (!isOneAddress(message.channel, message.to)) return failed("the address cannot be written to");
      const limited = await limitTexts(needs, message, caller);
      if (limited) return no(limited);
      // Written once: every attempt sends the same bytes, as a provider's idempotency key demands.
      const letter = writeLetter(message, place, clock.now());
      if (needs.way === "queue") return await enqueue(needs, message, letter);
      const outcome = await carrier(letter);
      return outcome.kind === "sent" ? ok("sent") : failed("it could not be sent");
    },

    async attempt({ id, sealed }) {
      const letter = JSON.parse(await sealing.unseal(sealed, PURPOSE, id)) as Letter;
      const carrier = carriers[letter.channel];
      if (carrier === undefined) return { kind: "refused", reason: "no carrier for this channel" };
      return await carrier(letter);
    },

    async stateOf(subject, id) {
      return needs.way === "at_once" ? "sent" : await stateOf(needs, subject, id);
    },
  };
}

/** Says that nothing carries a channel: once an hour for each, because strangers choose how often it happens. */
function makeUnheard({ clock, log }: DeliveryNeeds): (channel: Channel) => void {
  const saidAt = new Map<Channel, number>();
  return (channel) => {
    const now = clock.now();
    if (now - (saidAt.get(channel) ?? Number.NEGATIVE_INFINITY) < HOUR) return;
    saidAt.set(channel, now);
    log("warn", "nothing carries messages of this channel", { channel });
  };
}

const failed = (detail: string) => no({ code: "delivery_failed", detail } as const);

async function stateOf(
  { inboxes }: DeliveryNeeds,
  subject: Message["subject"],
  id: string,
): Promise<DeliveryState> {
  const known = await inboxes.deliveryOf(subject, id);
  return known?.status === "sent" || known?.status === "failed" ? known.status : "waiting";
}

/**
 * Texts cost money and earn it for others (T71): only to allowed numbers, and only so many to one range and one country. Strangers
 * leave the last of them to others, and one network may use half of what they may.
 */
async function limitTexts(
  { sms, phones, inboxes }: DeliveryNeeds,
  { channel, to }: Message,
  caller: Caller | undefined,
): Promise<Limited | undefined> {
  if (channel !== "sms" && channel !== "whatsapp") return undefined;
  const stranger = caller && isStranger(caller) ? caller : undefined;
  const number = phones.read(to) ?? { e164: to, mobile: false };
  const counts = smsCounts(number, sms);
  if (!counts.ok) return counts.error;
  for (const { name, limit, window } of counts.value) {
    const open = stranger ? partOf(limit, OPEN_SHARE) : limit;
    const network = stranger?.network;
    const counted = await inboxes.countTogether(textsSubject(name), [
      { kind: "texts", limit: open, window },
      ...(network === undefined ? [] : [{ kind: `texts:${network}`, limit: halfOf(open), window }]),
    ]);
    if (!counted.allowed) return { code: "too_many", scope: "client", retryAt: counted.retryAt };
  }
  return undefined;
}

async function enqueue(
  { events, sealing, log }: DeliveryNeeds,
  message: Message,
  letter: Letter,
): Promise<Result<"queued", RefusalOf<"delivery_failed">>> {
  const { id, channel, template, clientId, userId, subject, expiresAt } = message;
  const sealed = await sealing.seal(JSON.stringify(letter), PURPOSE, id);
  const parts = { id, channel, template, clientId, subject, expiresAt, sealed };
  try {
    await events.send({ kind: "deliver", message: userId === undefined ? parts : { ...parts, userId } });
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    log("error", "a message could not be queued", { channel, template, clientId, cause });
    return failed("it could not be sent now");
  }
  return ok("queued");
}
