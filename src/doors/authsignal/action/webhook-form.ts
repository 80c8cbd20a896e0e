import type { ClientId } from "../../../core/ids.ts";
import type { DoorEvent } from "../../../core/message/queue.ts";
import { sendSigned } from "../../../core/message/tell-webhook.ts";
import type { Services } from "../../../core/ports/services.ts";
import { type Instant, toSeconds } from "../../../core/time.ts";
import type { ActionWebhooks } from "../ports.ts";

const utf8 = new TextEncoder();

/** Receivers check this literal (Authsignal §7.3). */
const SOURCE = "https://authsignal.com";

/** The envelope of §7.3, one line. */
export const actionBody = (clientId: ClientId, event: DoorEvent): string =>
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
  return signed.toBase64({ omitPadding: true });
}

/** The door's webhooks: its own envelope and signature, sent as every webhook is. */
export const makeActionWebhooks = (
  powers: Pick<Services, "clients" | "secrets" | "webhooks" | "clock" | "log">,
): ActionWebhooks => ({
  send: (client, event) =>
    sendSigned(powers, client, event, async ({ url, clientId, secrets }) => {
      const body = actionBody(clientId, event);
      const signature = await actionSignature(secrets, powers.clock.now(), body);
      return await powers.webhooks.post(url, { headers: { "x-signature-v2": signature }, body });
    }),
});
