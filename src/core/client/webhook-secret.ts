import { fromBase64 } from "../base64.ts";

/** Standard Webhooks 1.0: a symmetric secret is this and the base64 of 24 to 64 bytes. */
const PREFIX = "whsec_";
const KEY_BYTES = { least: 24, most: 64 };

const utf8 = new TextEncoder();

/**
 * The webhook key that belongs to a client secret: HMAC-SHA-256, keyed by the secret's UTF-8, of `webhook`. Whoever only verifies
 * webhooks holds this and cannot call the service with it.
 */
export async function webhookKeyOf(clientSecret: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(clientSecret), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode("webhook")));
}

/** The same key as a Standard Webhooks library takes it. */
export const webhookSecretOf = async (clientSecret: string): Promise<string> =>
  PREFIX + (await webhookKeyOf(clientSecret)).toBase64();

/** The key of a secret that an operator gave: `whsec_` is decoded, undefined when it holds no key; other text is its UTF-8. */
export function readWebhookSecret(text: string): Uint8Array | undefined {
  if (!text.startsWith(PREFIX)) return utf8.encode(text);
  const key = fromBase64(text.slice(PREFIX.length));
  return key && key.length >= KEY_BYTES.least && key.length <= KEY_BYTES.most ? key : undefined;
}
