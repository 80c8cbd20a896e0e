import { toBase64Url } from "../../core/base64.ts";
import type { Clock } from "../../core/ports/edge.ts";
import type { Keyring } from "../../core/ports/keys.ts";
import type { PushNote, PushOutcome, TargetFault } from "../../core/ports/pushes.ts";
import { HOUR, type Instant, type Millis, SECOND, toSeconds } from "../../core/time.ts";
import { outcomeOf, request } from "../http.ts";
import { wordsOf } from "../push-words.ts";
import { encrypt, readKeys } from "./encrypt.ts";
import { type PushHosts, readEndpoint } from "./hosts.ts";

/** How long a push service may take to answer. */
const ANSWER_WITHIN: Millis = 5 * SECOND;
/** RFC 8292 §2 allows 24 hours; clocks differ. */
const VAPID_LIFE: Millis = 12 * HOUR;
/** The subscription has ended (RFC 8030 §7.3); services answer with either. */
const GONE = [404, 410];
/** Longest `Topic` that a push service takes (RFC 8030 §5.4). */
const TOPIC_LENGTH = 32;

export type WebTarget = { readonly endpoint: string; readonly p256dh: string; readonly auth: string };

export type WebPushOptions = {
  /** Whom a push service writes to when something is wrong: `mailto:` or `https:`. */
  readonly contact: string;
  readonly issuer: string;
  readonly hosts: PushHosts;
  readonly keyring: Pick<Keyring, "signVapid" | "vapidKey">;
  readonly clock: Clock;
};

export type WebPush = {
  publicKey(): Promise<string>;
  faultOf(target: WebTarget): Promise<TargetFault | undefined>;
  send(target: WebTarget, note: PushNote): Promise<PushOutcome>;
};

/** Web Push to browsers, in the declarative form, which older service workers can read too. */
export const makeWebPush = (options: WebPushOptions): WebPush => ({
  publicKey: () => options.keyring.vapidKey(),
  async faultOf(target) {
    if (readEndpoint(target.endpoint, options.hosts) === undefined) return "endpoint";
    return (await readKeys(target)) === undefined ? "keys" : undefined;
  },
  async send(target, note) {
    // Checked again: it may have been kept under looser rules.
    const url = readEndpoint(target.endpoint, options.hosts);
    if (url === undefined) return { kind: "refused", reason: "no push service that is known here" };
    const body = await encrypt(messageOf(options.issuer, note), target);
    if (body === undefined) return { kind: "refused", reason: "its keys are none" };
    const headers = await headersOf(options, url, note);
    const answer = await request({ url, headers, body, within: ANSWER_WITHIN });
    if (!(answer instanceof Response)) return answer;
    await answer.body?.cancel().catch(() => undefined);
    return GONE.includes(answer.status) ? { kind: "gone" } : outcomeOf(answer.status);
  },
});

async function headersOf({ contact, keyring, clock }: WebPushOptions, url: URL, note: PushNote) {
  const now = clock.now();
  const [token, key] = await Promise.all([
    keyring.signVapid({ aud: url.origin, exp: toSeconds(now + VAPID_LIFE), sub: contact }),
    keyring.vapidKey(),
  ]);
  return {
    Authorization: `vapid t=${token}, k=${key}`,
    "Content-Encoding": "aes128gcm",
    "Content-Type": "application/octet-stream",
    TTL: String(restOf(note, now)),
    Topic: await topicOf(note),
    Urgency: "high",
  };
}

/** Whole seconds for which the request can still be answered. */
export const restOf = ({ expiresAt }: PushNote, now: Instant): number =>
  Math.max(0, Math.floor((expiresAt - now) / SECOND));

/** A message that comes twice takes its own place. The push service learns no id by it. */
async function topicOf(note: PushNote): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(wordsOf(note).tag));
  return toBase64Url(new Uint8Array(digest)).slice(0, TOPIC_LENGTH);
}

/** Declarative Web Push (W3C Push API, "web_push": 8030). */
export function messageOf(issuer: string, note: PushNote): string {
  const { words, tag, hash } = wordsOf(note);
  return JSON.stringify({
    web_push: 8030,
    notification: { ...words, navigate: `${issuer}/phone${hash}`, tag, app_badge: "1" },
  });
}
