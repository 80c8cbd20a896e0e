import type { ChallengeId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import { plainText } from "../../../core/typed-text.ts";

/** No vowels, so no words, and nothing that looks like a digit (RFC 8628 §6.1). */
export const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
/** Letters of a code: 20^8 values, 34.58 bits. Nine are due once a thousand codes are live at most times (docs/limits.md). */
export const LENGTH = 8;

/** A fresh code, drawn without bias. */
export const drawUserCode = ({ chance }: Pick<Services, "chance">): string =>
  Array.from({ length: LENGTH }, () => LETTERS[chance.number(LETTERS.length + 1) - 1] ?? "").join("");

/** As it is shown: in two groups. */
export const shownUserCode = (code: string): string =>
  `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;

const CODE = new RegExp(`^[${LETTERS}]{${LENGTH}}$`);

/** What somebody typed as a code: in any case, with any blanks and dashes. Undefined where it is none. */
export function readUserCode(typed: string): string | undefined {
  const letters = plainText(typed).replaceAll(/[\s\p{Pd}]/gu, "");
  // Only of ASCII: letters of other scripts turn into ours in upper case.
  const code = /^[A-Za-z]+$/.test(letters) ? letters.toUpperCase() : "";
  return CODE.test(code) ? code : undefined;
}

/**
 * The challenge of a code: the code names its object, so that no row leads there, and one live code stands for one challenge (docs/decisions/0078). The
 * name is keyed: an object tells nobody its code.
 */
export async function challengeOfCode(
  { handles, challenges }: Pick<Services, "handles" | "challenges">,
  code: string,
): Promise<{ readonly id: ChallengeId; readonly mark: string }> {
  const name = await handles.pepper(["device-user-code"], code);
  return { id: challenges.named(name), mark: name.slice(0, MARK_LENGTH) };
}

/** How much of the keyed name stands for a guess where guesses are counted. */
const MARK_LENGTH = 12;
