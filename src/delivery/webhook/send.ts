import { readCallbackTarget } from "../../core/client/callback-target.ts";
import { webhookKeyOf } from "../../core/client/webhook-secret.ts";
import type { Clock } from "../../core/ports/edge.ts";
import type { Webhooks } from "../../core/ports/webhooks.ts";
import { type Millis, SECOND } from "../../core/time.ts";
import { post } from "../http.ts";
import { webhookBody } from "./body.ts";
import { signatureHeaders } from "./sign.ts";

/** How long a receiver may take to answer. */
const ANSWER_WITHIN: Millis = 5 * SECOND;

export type WebhookOptions = {
  readonly clock: Clock;
  /** Development: http and private addresses may be called too. */
  readonly allowPrivate: boolean;
};

/** The webhooks that leave by the platform's `fetch`. */
export function makeWebhooks({ clock, allowPrivate }: WebhookOptions): Webhooks {
  const postTo: Webhooks["post"] = async (url, { headers, body }) => {
    // Checked again: the address may have been kept under looser rules.
    const address = readCallbackTarget(url, allowPrivate);
    if (!address.ok) return { kind: "refused", reason: `the address ${address.error.detail}` };
    const own = { "content-type": "application/json", "user-agent": "Countersign" };
    return await post({ url: address.value, headers: { ...own, ...headers }, body, within: ANSWER_WITHIN });
  };
  return {
    post: postTo,
    async send({ url, clientId, secrets }, event) {
      const body = webhookBody(clientId, event);
      const headers = { ...(await signatureHeaders(await keysOf(secrets), event.id, clock.now(), body)) };
      return await postTo(url, { headers, body });
    },
  };
}

/** Receivers of old verify with the text of the client secret; those of a library with the webhook secret. */
async function keysOf(secrets: readonly string[]): Promise<readonly Uint8Array[]> {
  const texts = secrets.map((secret) => new TextEncoder().encode(secret));
  return [...texts, ...(await Promise.all(secrets.map(webhookKeyOf)))];
}
