import type { DeliveryOutcome } from "../core/ports/deliveries.ts";
import { CARRY_WITHIN } from "./carrier.ts";
import { outcomeOf } from "./webhook/send.ts";

export type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Statuses below 500 that may pass, beside 408 and 429. */
  readonly passing?: readonly number[];
};

/** Most of a provider's answer that is looked at. */
const ANSWER_LIMIT = 4_096;

/**
 * Hands a letter over by one POST, bounded in time, following no redirect. Of the answer only the status counts, and a numeric error
 * `code` beside it, which helps the operator; the provider's words stay outside, since they repeat what was sent.
 */
export async function post({ url, headers, body, passing = [] }: Post): Promise<DeliveryOutcome> {
  const signal = AbortSignal.timeout(CARRY_WITHIN);
  try {
    const answer = await fetch(url, { method: "POST", redirect: "manual", headers, body, signal });
    if (answer.ok) {
      await answer.body?.cancel();
      return { kind: "sent" };
    }
    const code = await codeIn(answer);
    const outcome = passing.includes(answer.status) ? outcomeOf(503) : outcomeOf(answer.status);
    const kind = outcome.kind === "refused" ? "refused" : "retry";
    return { kind, reason: `the provider answered ${answer.status}${code}` };
  } catch {
    return { kind: "retry", reason: signal.aborted ? "no answer in time" : "no connection" };
  }
}

async function codeIn(answer: Response): Promise<string> {
  try {
    const text = (await answer.text()).slice(0, ANSWER_LIMIT);
    const { code } = JSON.parse(text) as { code?: unknown };
    return Number.isSafeInteger(code) ? ` (code ${String(code)})` : "";
  } catch {
    return "";
  }
}

/** An address with a name beside it (RFC 5322 §3.4), the name quoted. */
export const mailbox = (name: string, address: string): string =>
  `"${name.replaceAll(/["\\]/g, "\\$&")}" <${address}>`;
