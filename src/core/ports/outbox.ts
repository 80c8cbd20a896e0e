import type { Instant } from "../time.ts";
import type { Channel } from "./deliveries.ts";

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
