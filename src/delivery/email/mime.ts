import type { Letter } from "../carrier.ts";
import { mailbox } from "../http.ts";

const CRLF = "\r\n";
const utf8 = new TextEncoder();

/** Standard base64 of the UTF-8 of a text. */
export const base64 = (text: string): string => utf8.encode(text).toBase64();

/** Bytes of text that fit an encoded word of 75 characters (RFC 2047 §2). */
const WORD_BYTES = 45;

/** A header's text: as it is when it is printable ASCII, else in encoded words that break between characters (RFC 2047). */
export function headerText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && text.length <= 70 && !text.includes("=?")) return text;
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (utf8.encode(word + character).length > WORD_BYTES) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word].map((part) => `=?UTF-8?B?${base64(part)}?=`).join(`${CRLF} `);
}

/** `From:` with a name: quoted when it is ASCII, an encoded word otherwise, which may not stand in quotes (RFC 2047 §5). */
function fromHeader(name: string, address: string): string {
  const encoded = headerText(name);
  return encoded === name ? mailbox(name, address) : `${encoded}${CRLF} <${address}>`;
}

const part = (type: string, text: string): string =>
  [
    `Content-Type: ${type}; charset=utf-8`,
    "Content-Transfer-Encoding: base64",
    "",
    ...(base64(text).match(/.{1,76}/g) ?? []),
  ].join(CRLF);

/**
 * The letter as an Internet message (RFC 5322, MIME): text and HTML as alternatives, both in base64, so that no line is too long and
 * none begins with a dot. The Message-ID comes from the letter's id: a copy sent twice is one message to a mail program.
 */
export function mimeMessage(letter: Letter, from: string, date: Date): string {
  const domain = from.slice(from.lastIndexOf("@") + 1);
  // No line of base64 has a `=_` in it, so no body can hold the boundary.
  const boundary = `=_${letter.id}`;
  const headers = [
    `From: ${fromHeader(letter.from, from)}`,
    `To: <${letter.to}>`,
    `Subject: ${headerText(letter.subject)}`,
    `Date: ${date.toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${letter.id}@${domain}>`,
    // RFC 3834 §5: no out-of-office answers.
    "Auto-Submitted: auto-generated",
    `Content-Language: ${letter.locale}`,
    "MIME-Version: 1.0",
    `Content-Type: multipart/alternative;${CRLF} boundary="${boundary}"`,
  ];
  return [
    ...headers,
    "",
    `--${boundary}`,
    part("text/plain", letter.text),
    `--${boundary}`,
    part("text/html", letter.html),
    `--${boundary}--`,
    "",
  ].join(CRLF);
}
