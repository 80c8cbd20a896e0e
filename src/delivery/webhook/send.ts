import { readCallbackTarget } from "../../core/client/callback-target.ts";
import type { Clock } from "../../core/ports/edge.ts";
import type { WebhookOutcome, Webhooks } from "../../core/ports/webhooks.ts";
import { type Millis, SECOND } from "../../core/time.ts";
import { webhookBody } from "./body.ts";
import { signatureHeaders } from "./sign.ts";

/** How long a receiver may take to answer. */
const ANSWER_WITHIN: Millis = 5 * SECOND;

/** 4xx answers that promise nothing about the next attempt (RFC 9110 §15.5.9, RFC 6585 §4). */
const PASSING_4XX = [408, 429];

export type WebhookOptions = {
  readonly clock: Clock;
  /** Development: http and private addresses may be called too. */
  readonly allowPrivate: boolean;
};

/** The webhooks that leave by the platform's `fetch`. */
export function makeWebhooks({ clock, allowPrivate }: WebhookOptions): Webhooks {
  const post: Webhooks["post"] = async (url, { headers, body }) => {
    // Checked again: the address may have been kept under looser rules.
    const address = readCallbackTarget(url, allowPrivate);
    if (!address.ok) return { kind: "refused", reason: `the address ${address.error.detail}` };
    const own = { "content-type": "application/json", "user-agent": "Countersign" };
    return await postOnce(address.value, { ...own, ...headers }, body);
  };
  return {
    post,
    async send({ url, clientId, secrets }, event) {
      const body = webhookBody(clientId, event);
      const headers = { ...(await signatureHeaders(secrets, event.id, clock.now(), body)) };
      return await post(url, { headers, body });
    },
  };
}

/** One bounded POST that follows no redirect; what the receiver says beyond its status is not read. */
async function postOnce(url: URL, headers: Record<string, string>, body: string): Promise<WebhookOutcome> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN);
  let answer: Response;
  try {
    answer = await fetch(url, { method: "POST", redirect: "manual", headers, body, signal });
  } catch {
    return { kind: "retry", reason: signal.aborted ? "no answer in time" : "no connection" };
  }
  // What the receiver says beyond its status is not read; a stream that breaks now changes nothing.
  await answer.body?.cancel().catch(() => undefined);
  return outcomeOf(answer.status);
}

/** What a receiver's status means: 2xx arrived, 3xx and most 4xx are final, everything else may pass. */
export function outcomeOf(status: number): WebhookOutcome {
  if (status >= 200 && status < 300) return { kind: "sent" };
  const final = status >= 300 && status < 500 && !PASSING_4XX.includes(status);
  return { kind: final ? "refused" : "retry", reason: `status ${status}` };
}
