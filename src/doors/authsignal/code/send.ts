import type { JsonObject } from "../../../core/challenge/state.ts";
import {
  handOver,
  type MadeCode,
  makeCode,
  noteUnsent,
  reachedAt,
  type SendCode,
} from "../../../core/code/send.ts";
import type { Rule } from "../../../core/inbox/limits.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type Instant, MINUTE } from "../../../core/time.ts";
import { hears, tellActionWebhook } from "../action/webhook.ts";

/** What a client's webhook is told of the action that the code is for. */
export type CodeAbout = {
  /** The backend's own word for the user, where there is one. */
  readonly name?: string | undefined;
  readonly actionCode: string;
  readonly idempotencyKey: string;
  /** What the backend said of the asking side. */
  readonly userAgent?: string | undefined;
  readonly ip?: string | undefined;
};

export type SendActionCode = SendCode & { readonly about: CodeAbout };

type Powers = Pick<
  Services,
  | "inboxes"
  | "deliveries"
  | "handles"
  | "chance"
  | "clock"
  | "limits"
  | "events"
  | "background"
  | "log"
  | "actionWebhooks"
>;
type Refused = RefusalOf<
  "too_many" | "out_of_guesses" | "delivery_failed" | "not_allowed" | "webhook_failed"
>;

/** Events that carry a code to a client that sends it itself (Authsignal §7.3). There is none for the other channels. */
const EVENTS: Readonly<Partial<Record<SendCode["channel"], string>>> = {
  email: "email.created",
  sms: "sms.created",
};

/**
 * Sends the code (or link) of a challenge of the Authsignal door. A client whose `webhook_events` list the channel's event sends it
 * itself: its webhook is given the code, at once and once, and no carrier is used; for every other the delivery room sends it.
 * Limits and what is kept are the same. Beside what `sendCode` refuses: `webhook_failed` without the webhook's 2xx in time. Whoever
 * is refused withdraws the challenge that it has begun.
 */
export async function sendActionCode(
  powers: Powers,
  asked: SendActionCode,
): Promise<Result<{ readonly expiresAt: Instant }, Refused>> {
  const made = await makeCode(powers, asked.channel === "email" ? asked : { ...asked, also: TEXTS });
  if (!made.ok) return made;
  const type = EVENTS[asked.channel];
  if (type === undefined || !hears(asked.client, type)) return await handOver(powers, asked, made.value);
  const told = await tellActionWebhook(powers, asked.client, {
    id: powers.chance.uuid(),
    type,
    at: powers.clock.now(),
    data: dataOf(asked, made.value),
  });
  // It has nothing to sign with, so that nobody was told.
  if (told.kind === "skipped") return await handOver(powers, asked, made.value);
  if (told.kind === "sent") return ok({ expiresAt: made.value.expiresAt });
  noteUnsent(powers, asked, made.value.subject, "webhook_failed");
  return no({ code: "webhook_failed", detail: told.reason });
}

/** Texts to a number within a window, beside the limits of every door: Authsignal §9.2 lets six through. */
export const TEXTS: Rule = { limit: 6, window: 10 * MINUTE };

const METHODS = { email: "EMAIL_OTP", sms: "SMS", whatsapp: "WHATSAPP" } as const;

function dataOf({ as, about, channel, identifier, locale }: SendActionCode, { code }: MadeCode): JsonObject {
  const { name, userAgent, ip } = about;
  return {
    to: reachedAt(identifier),
    ...(as.template === "magic_link" ? { url: as.linkOf(code) } : { code }),
    ...(name === undefined ? {} : { userId: name }),
    idempotencyKey: about.idempotencyKey,
    actionCode: about.actionCode,
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(ip === undefined ? {} : { ipAddress: ip }),
    locale,
    verificationMethod: as.template === "magic_link" ? "EMAIL_MAGIC_LINK" : METHODS[channel],
  };
}
