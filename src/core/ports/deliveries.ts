import type { Caller } from "../caller.ts";
import type { Origin } from "../challenge/state.ts";
import type { ClientId, SubjectKey, UserId } from "../ids.ts";
import type { CodeEffect } from "../message/code-effect.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";

export type Channel = "email" | "sms" | "whatsapp" | "push";

/** What a message is about; its words are the delivery room's, in the reader's language. */
export type Template =
  | "one_time_code"
  | "magic_link"
  | "device_enrolled"
  | "device_removed"
  | "recovery_begun"
  | "address_replaced";

/** How a client shows itself to the reader. `colour` is `#rrggbb`, `logo` an https URL; anything else is left out. */
export type Brand = { readonly name: string; readonly colour?: string; readonly logo?: string };

/** One message to one address. It holds secrets: it is never logged, and rests in the queue sealed only. */
export type Message = {
  /** Idempotency key, at most 100 characters of `[A-Za-z0-9_-]`: the same id is sent once, however often it is handed over. */
  readonly id: string;
  readonly channel: Channel;
  /** One e-mail address, or `+` and digits. */
  readonly to: string;
  readonly template: Template;
  /** BCP 47 tag of the reader's language; English where there is no catalogue for it. */
  readonly locale: string;
  readonly brand: Brand;
  readonly clientId: ClientId;
  readonly userId?: UserId;
  /** The inbox that remembers whether the message went out: the identifier's, or the user's. */
  readonly subject: SubjectKey;
  readonly code?: string;
  /** https link of this service. */
  readonly link?: string;
  /** What comes of the code or link. */
  readonly effect?: CodeEffect;
  /** Name of the device that a message tells of: a user's own words. */
  readonly deviceName?: string;
  /** Where the request came from, so that the reader can judge it. */
  readonly origin?: Origin;
  /** After this nothing is sent any more. */
  readonly expiresAt: Instant;
};

/** A message as it lies in the queue: what routing it takes, and the rest sealed under its id. */
export type SealedMessage = Pick<
  Message,
  "id" | "channel" | "template" | "clientId" | "userId" | "subject" | "expiresAt"
> & { readonly sealed: string };

/** `refused`: the provider will not have it, and trying again would change nothing. A reason holds nothing secret. */
export type DeliveryOutcome =
  | { readonly kind: "sent" }
  | { readonly kind: "refused" | "retry"; readonly reason: string };

/** `waiting` in the queue, `sent` to the provider, or `failed` for good: a new message may be asked for. */
export type DeliveryState = "waiting" | "sent" | "failed";

/**
 * What leaves the service. `send` hands the message over at once and does not wait for the provider: `sent` in the development
 * outbox, else `queued`, and retried until it went out, expired or failed for good (then audited, `delivery_failed`).
 * Refuses `delivery_failed` when nothing is configured for the channel or the queue cannot take it, `not_allowed` for a phone
 * number that nothing is sent to (country, kind), `too_many` when its range or country had its share. Codes appear in no refusal.
 * `caller` is who had it sent: a stranger's texts leave the last of an hour to others.
 */
export type Deliveries = {
  send(
    message: Message,
    caller?: Caller,
  ): Promise<Result<"queued" | "sent", RefusalOf<"delivery_failed" | "not_allowed" | "too_many">>>;
  /** One attempt to send what the queue brought. Throws an Outage when it cannot be opened. */
  attempt(message: SealedMessage): Promise<DeliveryOutcome>;
  /** What became of a message that was handed over, for as long as it can matter. */
  stateOf(subject: SubjectKey, id: string): Promise<DeliveryState>;
};

/** A message that was not sent, as `GET /dev/outbox` shows it (docs/delivery.md, "The development outbox"). */
export type OutboxEntry = {
  readonly id: string;
  readonly channel: Channel;
  readonly to: string;
  readonly subject?: string;
  readonly text: string;
  readonly code?: string;
  readonly link?: string;
  readonly at: Instant;
};

/**
 * The development outbox: what would have been sent, newest first, the newest of all only. An id that is there already stays as
 * it is. Bodies rest sealed, as they do in the queue, so that no code is ever readable at rest.
 */
export type Outbox = {
  add(entry: OutboxEntry): Promise<void>;
  /** `to` is compared as addresses are: case and blanks do not matter, nor how a phone number is written. */
  newest(to: string, size: number): Promise<readonly OutboxEntry[]>;
};
