import { readCallbackTarget } from "../../core/client/callback-target.ts";
import type { ClientId } from "../../core/ids.ts";
import type { ActionEvent, ActionWebhooks } from "../../core/ports/action-webhooks.ts";
import { type Instant, toSeconds } from "../../core/time.ts";
import { post, type WebhookOptions } from "./send.ts";

const utf8 = new TextEncoder();

/** Receivers check this literal (Authsignal §7.3). */
const SOURCE = "https://authsignal.com";

/** The envelope of §7.3, one line. */
export const actionBody = (clientId: ClientId, event: ActionEvent): string =>
  JSON.stringify({
    version: 1,
    id: event.id,
    source: SOURCE,
    time: new Date(event.at).toISOString(),
    tenantId: clientId,
    type: event.type,
    data: event.data,
  });

/**
 * `X-Signature-V2`: `t=<seconds>,v2=<HMAC-SHA-256 of "<seconds>.<body>">`, one `v2` for each secret, base64 without padding. No space
 * after the comma: receivers split on it and look no further (Authsignal §7.3).
 */
export async function actionSignature(
  secrets: readonly string[],
  at: Instant,
  body: string,
): Promise<string> {
  const seconds = toSeconds(at);
  const bytes = utf8.encode(`${seconds}.${body}`);
  const macs = await Promise.all(secrets.map((secret) => mac(secret, bytes)));
  return [`t=${seconds}`, ...macs.map((text) => `v2=${text}`)].join(",");
}

async function mac(secret: string, bytes: BufferSource): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(secret), algorithm, false, ["sign"]);
  const signed = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
  return btoa(String.fromCharCode(...signed)).replaceAll("=", "");
}

/** The Authsignal door's webhooks; they leave by the platform's `fetch`, at once. */
export function makeActionWebhooks({ clock, allowPrivate }: WebhookOptions): ActionWebhooks {
  return {
    async send({ url, clientId, secrets }, event) {
      // Checked again: the address may have been kept under looser rules.
      const address = readCallbackTarget(url, allowPrivate);
      if (!address.ok) return { kind: "refused", reason: `the address ${address.error.detail}` };
      const body = actionBody(clientId, event);
      const signature = await actionSignature(secrets, clock.now(), body);
      const headers = {
        "content-type": "application/json",
        "user-agent": "Countersign",
        "x-signature-v2": signature,
      };
      return await post(address.value, headers, body);
    },
  };
}
