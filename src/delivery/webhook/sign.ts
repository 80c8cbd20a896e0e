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
 * secret, separated by spaces. The key is the secret's text in UTF-8; `at` is the moment of the attempt.
 */
export async function signatureHeaders(
  secrets: readonly string[],
  id: string,
  at: Instant,
  body: string,
): Promise<SignatureHeaders> {
  const seconds = String(toSeconds(at));
  const signed = utf8.encode(`${id}.${seconds}.${body}`);
  const signatures = await Promise.all(secrets.map((secret) => sign(secret, signed)));
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signatures.join(" ") };
}

async function sign(secret: string, bytes: BufferSource): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(secret), algorithm, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
  return `${VERSION},${mac.toBase64()}`;
}
