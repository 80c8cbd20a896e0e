import { type Instant, toSeconds } from "../../core/time.ts";

const VERSION = "v1";
const utf8 = new TextEncoder();

/** The headers that authenticate one delivery attempt. */
export type SignatureHeaders = {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
};

/**
 * Signs a body as the Standard Webhooks specification 1.0 says: HMAC-SHA-256 over `<id>.<seconds>.<body>`, base64, one `v1,…` per
 * key, separated by spaces. `at` is the moment of the attempt.
 */
export async function signatureHeaders(
  keys: readonly Uint8Array[],
  id: string,
  at: Instant,
  body: string,
): Promise<SignatureHeaders> {
  const seconds = String(toSeconds(at));
  const signed = utf8.encode(`${id}.${seconds}.${body}`);
  const signatures = await Promise.all(keys.map((key) => sign(key, signed)));
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signatures.join(" ") };
}

async function sign(key: BufferSource, bytes: BufferSource): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes));
  return `${VERSION},${mac.toBase64()}`;
}
