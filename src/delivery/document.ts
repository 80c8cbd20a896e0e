import { readCallbackTarget } from "../core/client/callback-target.ts";
import type { Documents, ReadDocument } from "../core/ports/edge.ts";
import { type Millis, SECOND } from "../core/time.ts";

/** How long its server may take, to the last byte. */
const ANSWER_WITHIN: Millis = 5 * SECOND;
const LONGEST_BYTES = 10 * 1024;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;
const MAX_AGE = /(?:^|,)\s*max-age\s*=\s*"?(\d{1,10})/i;
const NOT_KEPT = /(?:^|,)\s*no-(?:store|cache)\b/i;

/** 4xx answers that may be others in a moment (RFC 9110 §15.5.9, RFC 6585 §4). */
const PASSING = [408, 429];

/** JSON documents over the platform's `fetch`; `allowPrivate` (development) lets http and private addresses pass. */
export function makeDocuments({ allowPrivate }: { readonly allowPrivate: boolean }): Documents {
  return {
    async read(url) {
      const address = readCallbackTarget(url, allowPrivate);
      if (!address.ok) return refused(`the address ${address.error.detail}`);
      const signal = AbortSignal.timeout(ANSWER_WITHIN);
      try {
        const headers = { accept: "application/json", "user-agent": "Countersign" };
        return await readAnswer(await fetch(address.value, { redirect: "manual", headers, signal }));
      } catch {
        return { kind: "unreachable", reason: signal.aborted ? "no answer in time" : "no connection" };
      }
    },
  };
}

const refused = (reason: string): ReadDocument => ({ kind: "refused", reason });

async function readAnswer(answer: Response): Promise<ReadDocument> {
  const { status, headers } = answer;
  const isJson = JSON_TYPE.test(headers.get("Content-Type") ?? "");
  if (status !== 200 || !isJson) {
    // A stream that breaks now changes nothing.
    await answer.body?.cancel().catch(() => undefined);
    if (status >= 500 || PASSING.includes(status)) return { kind: "unreachable", reason: `status ${status}` };
    return refused(status === 200 ? "not JSON by its content type" : `status ${status}`);
  }
  const text = await textOf(answer);
  if (text === undefined) return refused("too long, or not UTF-8");
  try {
    return { kind: "read", json: JSON.parse(text) as unknown, ...freshFor(headers) };
  } catch {
    return refused("not JSON");
  }
}

/** How long its server says that it stays good (RFC 9111 §5.2.2). */
function freshFor(headers: Headers): { readonly freshFor?: Millis } {
  const control = headers.get("Cache-Control") ?? "";
  if (NOT_KEPT.test(control)) return { freshFor: 0 };
  const seconds = MAX_AGE.exec(control)?.[1];
  return seconds === undefined ? {} : { freshFor: Number(seconds) * SECOND };
}

/** The body as text; undefined when it is too long, where reading stops, or is no UTF-8. */
async function textOf({ body }: Response): Promise<string | undefined> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    size += value?.byteLength ?? 0;
    if (size > LONGEST_BYTES) {
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    try {
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
    } catch {
      return undefined;
    }
    if (done) return text;
  }
}
