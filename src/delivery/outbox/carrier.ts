import type { Channel, Outbox } from "../../core/ports/deliveries.ts";
import type { Clock } from "../../core/ports/edge.ts";
import type { Carrier } from "../carrier.ts";

/** Carries a letter no further than the development outbox. */
export const outboxCarrier =
  (outbox: Outbox, clock: Clock): Carrier =>
  async ({ id, channel, to, subject, text, short, code, link }) => {
    const isMail = channel === "email";
    await outbox.add({
      id,
      channel,
      to,
      ...(isMail ? { subject } : {}),
      text: isMail ? text : short,
      ...(code === undefined ? {} : { code }),
      ...(link === undefined ? {} : { link }),
      at: clock.now(),
    });
    return { kind: "sent" };
  };

/** Every channel ends in the outbox. */
export function outboxCarriers(outbox: Outbox, clock: Clock): Readonly<Record<Channel, Carrier>> {
  const carrier = outboxCarrier(outbox, clock);
  return { email: carrier, sms: carrier, whatsapp: carrier, push: carrier };
}
