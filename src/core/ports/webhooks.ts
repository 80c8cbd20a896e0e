import type { AuditEvent } from "../audit/event.ts";
import type { ClientId } from "../ids.ts";

/** Where a client is told, and with which of its client secrets (plain text, newest first; two while one is being replaced). */
export type WebhookTarget = {
  readonly url: string;
  readonly clientId: ClientId;
  readonly secrets: readonly [string, ...string[]];
};

/** `refused`: the receiver, or this service, will not have it, and trying again would change nothing. */
export type WebhookOutcome =
  | { readonly kind: "sent" }
  | { readonly kind: "refused" | "retry"; readonly reason: string };

/**
 * Tells a client of an event: one signed POST (Standard Webhooks 1.0), bounded in time, to a public https address only, following
 * no redirect (settled question 33). One event may arrive more than once and always carries the same id. Never throws for what
 * the receiver did or failed to do; a reason never holds a secret or the receiver's words.
 */
export type Webhooks = {
  send(target: WebhookTarget, event: AuditEvent): Promise<WebhookOutcome>;
  /** The same for what a door has put in its own form and signed itself. */
  post(
    url: string,
    signed: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  ): Promise<WebhookOutcome>;
};
