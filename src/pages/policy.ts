import { STYLE } from "./style.ts";

/** A hash as a policy names it. */
export const digest = async (text: string): Promise<string> => {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toBase64();
};

/**
 * The policy of a page without script: nothing but the icon loads, nothing runs, nothing is sent, and no other page may frame it. The one
 * stylesheet is admitted by its hash (CSP Level 3 §2.3.1).
 */
export async function scriptlessPolicy(): Promise<string> {
  return [
    "default-src 'none'",
    `style-src 'sha256-${await digest(STYLE)}'`,
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
