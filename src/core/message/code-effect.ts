/** What comes of a code or a link that was sent, for the words of the letter and of the page that it leads to. */
export type CodeEffect =
  | { readonly kind: "sign_in" }
  /** The address becomes a way into an account. */
  | { readonly kind: "add_address" }
  /** An action of the client's backend, in words. */
  | { readonly kind: "action"; readonly words: string };

/** Spellings of the action that is a sign-in; the vendor's own examples use the first. */
const SIGN_INS: ReadonlySet<string> = new Set(["signin", "login", "logon", "authenticate"]);
const LONGEST = 60;

/** The effect of an action's code, which is a backend's name for a program: `signIn` is a sign-in, `transferFunds` is "transfer funds". */
export function effectOfAction(code: string): CodeEffect {
  const words = code
    .replaceAll(/(?<=[\p{Ll}\p{Nd}])(?=\p{Lu})/gu, " ")
    .replaceAll(/[\p{P}\p{S}\p{C}\p{Z}]+/gu, " ")
    .trim()
    .toLowerCase()
    .slice(0, LONGEST);
  return SIGN_INS.has(words.replaceAll(" ", ""))
    ? { kind: "sign_in" }
    : { kind: "action", words: words || code };
}
