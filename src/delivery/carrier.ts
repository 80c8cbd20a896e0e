import type { Channel, DeliveryOutcome, Template } from "../core/ports/deliveries.ts";

/** A message in words, ready for whoever carries it. Every part is one line or plain text unless it says otherwise. */
export type Letter = {
  readonly id: string;
  readonly channel: Channel;
  readonly to: string;
  readonly template: Template;
  readonly locale: string;
  /** Whose message it is, as the reader is shown. */
  readonly from: string;
  readonly subject: string;
  /** The whole text of an e-mail. */
  readonly text: string;
  readonly html: string;
  /** What a text message says. */
  readonly short: string;
  readonly code?: string;
  readonly link?: string;
};

/**
 * Carries one letter to its provider, within `CARRY_WITHIN`. Never throws for what the provider did or failed to do; a reason holds
 * neither the provider's words nor an address, a code or a credential.
 */
export type Carrier = (letter: Letter) => Promise<DeliveryOutcome>;

/** Milliseconds that a provider may take. */
export const CARRY_WITHIN = 15_000;

const EMAIL = /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/;
const PHONE = /^\+[0-9]{6,15}$/;

/** Whether `to` is one address of this channel and nothing more: no list, no header, no name beside it. */
export function isOneAddress(channel: Channel, to: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (to.length > 320 || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(to)) return false;
  switch (channel) {
    case "email":
      return EMAIL.test(to);
    case "sms":
    case "whatsapp":
      return PHONE.test(to);
    case "push":
      return to !== "";
  }
}
