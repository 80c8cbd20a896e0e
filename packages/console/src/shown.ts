/** Characters that are not seen, or that turn the direction of what stands beside them. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/gu;

/** A text that somebody else has chosen, with what would not be seen of it: a name must not look like another one. */
export const shown = (text: string): string =>
  text.replaceAll(
    UNSEEN,
    (letter) => `⟨U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
