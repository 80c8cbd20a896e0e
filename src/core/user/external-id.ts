/** Longest external id, in UTF-16 units. */
export const EXTERNAL_ID_LIMIT = 254;

/**
 * What two different names can differ in without anybody seeing it: control, format, private-use and unassigned characters, half
 * pairs, separators other than the blank, and what is drawn as nothing (Unicode, Default_Ignorable_Code_Point).
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}]|(?! )\p{Zs}/u;

/**
 * Reads an app's own name for a user: 1 to 254 characters in NFC, blanks only inside and only U+0020. Undefined for the rest: it is
 * refused and never corrected, since the app compares it byte by byte.
 */
export function readExternalId(text: string): string | undefined {
  if (text === "" || text.length > EXTERNAL_ID_LIMIT || !text.isWellFormed()) return undefined;
  if (text.startsWith(" ") || text.endsWith(" ") || UNSEEN.test(text)) return undefined;
  return text.normalize("NFC") === text ? text : undefined;
}
