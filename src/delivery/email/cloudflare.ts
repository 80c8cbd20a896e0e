import type { Carrier } from "../carrier.ts";

/** The part of Cloudflare's `send_email` binding that is used. */
export type EmailBinding = {
  send(message: {
    readonly from: { readonly name: string; readonly email: string };
    readonly to: string;
    readonly subject: string;
    readonly html: string;
    readonly text: string;
  }): Promise<unknown>;
};

/** Codes of the binding's errors that say that the same message will never pass. */
const FINAL: ReadonlySet<unknown> = new Set([
  "E_VALIDATION_ERROR",
  "E_FIELD_MISSING",
  "E_CONTENT_TOO_LARGE",
  "E_TOO_MANY_RECIPIENTS",
  "E_SENDER_NOT_VERIFIED",
  "E_SENDER_DOMAIN_NOT_AVAILABLE",
  "E_RECIPIENT_NOT_ALLOWED",
  "E_RECIPIENT_SUPPRESSED",
  "E_HEADER_NOT_ALLOWED",
  "E_HEADER_USE_API_FIELD",
  "E_HEADER_VALUE_INVALID",
  "E_HEADER_VALUE_TOO_LONG",
  "E_HEADER_NAME_INVALID",
  "E_HEADERS_TOO_LARGE",
  "E_HEADERS_TOO_MANY",
]);

const CODE = /^E_[A-Z_]{1,60}$/;

/** E-mail by Cloudflare's Email Service. It knows no idempotency key: what was sent is remembered in the inbox alone. */
export const cloudflareCarrier =
  (binding: EmailBinding, from: string): Carrier =>
  async (letter) => {
    const { to, subject, html, text } = letter;
    try {
      await binding.send({ from: { name: letter.from, email: from }, to, subject, html, text });
      return { kind: "sent" };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      const named = typeof code === "string" && CODE.test(code) ? ` (${code})` : "";
      return { kind: FINAL.has(code) ? "refused" : "retry", reason: `the Email binding failed${named}` };
    }
  };
