import type { DeliveryOutcome } from "../core/ports/deliveries.ts";
import type { Millis } from "../core/time.ts";

export type Post = {
  readonly url: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Milliseconds that the receiver may take. */
  readonly within: Millis;
  /** Statuses below 500 that may pass, beside 408 and 429. */
  readonly passing?: readonly number[];
  /** Whether a numeric `code` of a JSON error joins the reason: it helps the operator. Without it no answer is read. */
  readonly readsCode?: boolean;
};

/** 4xx answers that promise nothing about the next attempt (RFC 9110 §15.5.9, RFC 6585 §4). */
const PASSING_4XX = [408, 429];

/** Most of an answer that is looked at. */
const ANSWER_LIMIT = 4_096;

/**
 * One POST, bounded in time, following no redirect. Of the answer only the status counts; the receiver's words stay outside, since
 * they may repeat what was sent. Never throws for what the receiver did or failed to do.
 */
export async function post({ passing, readsCode, ...sent }: Post): Promise<DeliveryOutcome> {
  const answer = await request(sent);
  if (!(answer instanceof Response)) return answer;
  const outcome = outcomeOf(answer.status, passing);
  if (outcome.kind !== "sent" && readsCode) {
    return { ...outcome, reason: `${outcome.reason}${await codeIn(answer)}` };
  }
  // A stream that breaks now changes nothing.
  await answer.body?.cancel().catch(() => undefined);
  return outcome;
}

/** The same for whoever reads the answer: it, or why there is none. A body that is not read is the caller's to cancel. */
export async function request({
  url,
  headers,
  body,
  within,
}: Pick<Post, "url" | "headers" | "body" | "within">): Promise<
  Response | { readonly kind: "retry"; readonly reason: string }
> {
  const signal = AbortSignal.timeout(within);
  try {
    return await fetch(url, { method: "POST", redirect: "manual", headers, body, signal });
  } catch {
    return { kind: "retry", reason: signal.aborted ? "no answer in time" : "no connection" };
  }
}

/** What a receiver's status means: 2xx arrived, 3xx and most 4xx are final, everything else may pass. */
export function outcomeOf(status: number, passing: readonly number[] = []): DeliveryOutcome {
  if (status >= 200 && status < 300) return { kind: "sent" };
  const final = status >= 300 && status < 500 && ![...PASSING_4XX, ...passing].includes(status);
  return { kind: final ? "refused" : "retry", reason: `status ${status}` };
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
