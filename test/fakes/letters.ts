import type { ClientId, SubjectKey } from "../../src/core/ids.ts";
import type { Message } from "../../src/core/ports/deliveries.ts";
import { type LetterPlace, writeLetter } from "../../src/delivery/letter.ts";

export const NOW = Date.UTC(2026, 9, 20, 12);
export const PLACE: LetterPlace = { host: "sign.example" };
export const CODE = "493027";

/** A one-time code by e-mail, with some parts replaced. */
export const message = ({ template = "one_time_code", ...over }: Partial<Message> = {}): Message => ({
  id: "msg_01-Az",
  channel: "email",
  to: "ana@example.com",
  template,
  locale: "en-GB",
  brand: { name: "Shop" },
  clientId: "shop" as ClientId,
  subject: "identifier:test" as SubjectKey,
  ...(template === "one_time_code" ? { code: CODE } : {}),
  expiresAt: NOW + 10 * 60_000,
  ...over,
});

export const letter = (over: Partial<Message> = {}) => writeLetter(message(over), PLACE, NOW);
