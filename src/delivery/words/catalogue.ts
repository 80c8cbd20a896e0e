import { EN } from "./en.ts";
import type { Words } from "./wording.ts";

/** By primary language subtag (RFC 5646 §2.2.1); a further language is one more file and one more line here. */
const CATALOGUE: Readonly<Record<string, Words>> = { en: EN };

/** The words for a reader's locale, and the language they are in. */
export function wordsFor(locale: string): { readonly words: Words; readonly language: string } {
  const language = locale.split("-")[0]?.toLowerCase() ?? "";
  const words = Object.hasOwn(CATALOGUE, language) ? CATALOGUE[language] : undefined;
  return words === undefined ? { words: EN, language: "en" } : { words, language };
}
