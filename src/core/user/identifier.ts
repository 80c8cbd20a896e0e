import type { IdentifierKind } from "./user.ts";

export type ReadIdentifier = {
  readonly kind: IdentifierKind;
  readonly value: string;
  readonly normal: string;
};

export const IDENTIFIER_LIMIT = 254;

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const PHONE = /^\+[0-9][0-9 ().-]{5,30}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Reads a free-form identifier as one of the three kinds and gives the form by which it is unique: an address in lower case with
 * its domain as the URL parser writes it, a phone number as `+` and digits, a username in NFC as written.
 * Undefined for what is empty, too long, or holds control characters.
 */
export function readIdentifier(text: string): ReadIdentifier | undefined {
  const value = text.trim();
  if (value === "" || value.length > IDENTIFIER_LIMIT || UNPRINTABLE.test(value)) return undefined;
  if (EMAIL.test(value)) return { kind: "email", value, normal: normalEmail(value) };
  if (PHONE.test(value)) return { kind: "phone", value, normal: `+${value.replaceAll(/[^0-9]/g, "")}` };
  return { kind: "username", value, normal: value.normalize("NFC") };
}

function normalEmail(value: string): string {
  const at = value.lastIndexOf("@");
  const local = value.slice(0, at).normalize("NFC").toLowerCase();
  const domain = value.slice(at + 1).toLowerCase();
  const parsed = URL.parse(`http://${domain}`)?.hostname;
  return `${local}@${parsed === undefined || parsed === "" ? domain : parsed}`;
}
