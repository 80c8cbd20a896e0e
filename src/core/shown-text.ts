/** Line ends, other control characters, and marks that turn the direction of text: none belongs in a name or a subject. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out here
const UNWANTED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g;

/**
 * Somebody's words as one line of text: no line end that could begin another header, nothing that turns what follows around, blanks
 * folded, at most `limit` characters as users count them.
 */
export function oneLine(text: string, limit: number): string {
  const line = text.toWellFormed().replaceAll(UNWANTED, " ").replaceAll(/\s+/g, " ").trim();
  const characters = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(line)];
  if (characters.length <= limit) return line;
  const kept = characters.slice(0, limit - 1).map(({ segment }) => segment);
  return `${kept.join("").trimEnd()}…`;
}
