import { plainEmail, plainPhone } from "../typed-text.ts";
import type { IdentifierKind } from "./user.ts";

export type ReadIdentifier = {
  readonly kind: IdentifierKind;
  readonly value: string;
  readonly normal: string;
};

export const IDENTIFIER_LIMIT = 254;

// A domain ends where the URL parser would see a port, a path or an escape: two addresses must not become one.
const EMAIL = /^[^\s@]+@[^\s@/\\?#:%]+$/;
const PHONE = /^\+[0-9][0-9 ().-]{5,30}$/;
/** ITU-T E.164 §6: at most 15 digits; fewer than six are nobody's number. */
const DIGITS = /^[0-9]{6,15}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Reads a free-form identifier as one of the three kinds, as a user means it: addresses and numbers without what nobody sees and
 * what clipboards put around them (docs/decisions/0052). The form by which it is unique is an address in lower case with its domain as
 * the URL parser writes it, a phone number as `+` and digits, a username in NFC as written.
 * Undefined for what is empty, too long, or holds control characters or half a surrogate pair, which storage would fold into one.
 */
export function readIdentifier(text: string): ReadIdentifier | undefined {
  const username = readUsername(text);
  return username && (readEmail(username.value) ?? readPhone(username.value) ?? username);
}

/** Reads a text that is a username whatever it looks like: its owner compares it, so nothing in it is corrected but blanks around. */
export function readUsername(text: string): ReadIdentifier | undefined {
  const value = text.trim();
  if (value === "" || value.length > IDENTIFIER_LIMIT) return undefined;
  if (UNPRINTABLE.test(value) || !value.isWellFormed()) return undefined;
  return { kind: "username", value, normal: value.normalize("NFC") };
}

function readEmail(text: string): ReadIdentifier | undefined {
  const value = plainEmail(text);
  return EMAIL.test(value) ? { kind: "email", value, normal: normalEmail(value) } : undefined;
}

function readPhone(text: string): ReadIdentifier | undefined {
  const value = plainPhone(text);
  const digits = value.replaceAll(/[^0-9]/g, "");
  if (!PHONE.test(value) || !DIGITS.test(digits)) return undefined;
  return { kind: "phone", value, normal: `+${digits}` };
}

const NATIONAL = /^(?=.*[0-9])[0-9 ()+./-]{1,32}$/;

/**
 * A number as a note: shown as it was given, found by nobody, and any number of users may have it. So are kept a text of digits that is no
 * whole number (a country's code is missing), and numbers that a client lets users share. `whose` is the backend's name of the user.
 * Undefined for what is no number at all.
 */
export function numberNote(text: string, whose: string): ReadIdentifier | undefined {
  const value = text.trim();
  return NATIONAL.test(value) ? { kind: "phone", value, normal: `${value}#${whose}` } : undefined;
}

/** The form by which its address is written to, also of a number that is kept as a note; undefined for what cannot be. */
export const reachableForm = ({ kind, value }: ReadIdentifier): string | undefined => {
  const read = readIdentifier(value);
  return read?.kind === kind ? read.normal : undefined;
};

function normalEmail(value: string): string {
  const at = value.lastIndexOf("@");
  const local = value.slice(0, at).normalize("NFC").toLowerCase();
  const domain = value.slice(at + 1).toLowerCase();
  const parsed = URL.parse(`http://${domain}`)?.hostname;
  const host = parsed?.replace(/\.+$/, "");
  return `${local}@${host === undefined || host === "" ? domain : host}`;
}

/**
 * What a text of an address may mean, the likeliest first. Apps send `+` unescaped, so that it comes as a blank (Cotter §3.1 row 2): a
 * blank inside an e-mail address, or before digits, was one. A name that really has blanks is looked for last.
 */
export function spellingsOf(given: string): readonly string[] {
  const text = given.trim();
  const isLed = given.startsWith(" ");
  if (isLed && /^[0-9]/.test(text)) return [`+${text}`];
  const plus = text.replaceAll(" ", "+");
  if (readIdentifier(plus)?.kind === "email") {
    const led = isLed ? [`+${plus}`] : [];
    return [plus, ...led, ...(plus === text ? [] : [text])];
  }
  return isLed ? [`+${text}`, text] : [text];
}
