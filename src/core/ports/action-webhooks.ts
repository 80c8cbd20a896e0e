import type { JsonObject } from "../challenge/state.ts";
import type { Instant } from "../time.ts";
import type { WebhookOutcome, WebhookTarget } from "./webhooks.ts";

/** An event of the Authsignal door (§7.3): `data` is what its type demands, `id` names it however often it is sent. */
export type ActionEvent = {
  readonly id: string;
  readonly type: string;
  readonly at: Instant;
  readonly data: JsonObject;
};

/**
 * Tells a client's webhook in the Authsignal door's own envelope and signature (§7.3), under every secret that works now. One POST,
 * bounded in time, to a public https address, following no redirect (settled question 33). Never throws for what the receiver did.
 */
export type ActionWebhooks = {
  send(target: WebhookTarget, event: ActionEvent): Promise<WebhookOutcome>;
};
