import { toBase64Url } from "../base64.ts";

/** A code challenge of method S256: the 32 bytes of a SHA-256 in canonical base64url (RFC 7636 §4.2). */
export const CODE_CHALLENGE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/**
 * The code challenge of a verifier, S256. The verifier's alphabet and length are the caller's affair: one vendor SDK's verifiers
 * are standard base64, outside of RFC 7636's alphabet, and only hashes are compared.
 */
export async function codeChallengeOf(verifier: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return toBase64Url(new Uint8Array(bytes));
}
