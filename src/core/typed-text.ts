/** What is drawn as nothing, or turns the direction of text: clipboards and keyboards bring it along, and nobody means it. */
const UNSEEN = /[\p{Cf}\p{DI}]/gu;
/** Latin letters, digits and signs as East Asian keyboards write them, and their full stops. */
const WIDE = /[\uff01-\uff5e]/g;
const WIDE_STOP = /[\u3002\uff61]/g;
const WIDE_SHIFT = 0xfee0;
const DIGIT = /\p{Nd}/u;

/** Somebody's text without what nobody sees, in the common widths of letters and signs, without blanks around it. */
export const plainText = (text: string): string =>
  text
    .replaceAll(UNSEEN, "")
    .replaceAll(WIDE, (sign) => String.fromCharCode(sign.charCodeAt(0) - WIDE_SHIFT))
    .replaceAll(WIDE_STOP, ".")
    .trim();

/** Digits of every script as 0 to 9; everything else stays. */
export const plainDigits = (text: string): string =>
  text.replaceAll(/(?![0-9])\p{Nd}/gu, (digit) => String(digitOf(digit.codePointAt(0) ?? 0)));

/** Unicode keeps the ten digits of a script in a row, from zero on (The Unicode Standard, §4.6). */
function digitOf(codePoint: number): number {
  let value = 0;
  while (value < 9 && DIGIT.test(String.fromCodePoint(codePoint - value - 1))) value++;
  return value;
}

/** Digits that people type in groups, in the script and with the dashes of their keyboards; any other text without its unseen marks. */
export function plainCode(text: string): string {
  const plain = plainDigits(text.normalize("NFKC").replaceAll(UNSEEN, "")).trim();
  return /^[\d\s\p{Pd}]+$/u.test(plain) ? plain.replaceAll(/[\s\p{Pd}]/gu, "") : plain;
}

/** Mexico's mobile prefix of before 2019: users' address books still have it, and the number is the same. */
const OLD_MEXICAN = /^\+52[ .-]*1(?=(?:[ ().-]*[0-9]){10}[ ().-]*$)/;

/** A telephone number as it would be dialled: `tel:` (RFC 3966 §3) taken off, digits and dashes of ASCII, common blanks. */
export const plainPhone = (text: string): string =>
  plainDigits(plainText(text))
    .replaceAll(/\p{Zs}/gu, " ")
    .replaceAll(/\p{Pd}/gu, "-")
    .replace(/^(?:tel: *)+/i, "")
    .replace(OLD_MEXICAN, "+52");

/** An e-mail address as it stands in a sentence, a link or a mail's header: `mailto:` (RFC 6068), brackets and end marks taken off. */
export function plainEmail(text: string): string {
  let plain = plainText(text);
  for (let before = ""; before !== plain; ) {
    before = plain;
    plain = plain
      .replace(/^mailto: */i, "")
      .replace(/^<([^<>]*)>$/, "$1")
      .replace(/[.,;]+$/, "")
      .trim();
  }
  return plain;
}
