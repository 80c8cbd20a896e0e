import type { Refusal } from "../../../core/refusal.ts";
import type { Instant } from "../../../core/time.ts";
import { verifyWords } from "../../../pages/verify/words.ts";

/** What a page says of a refusal, carried over a redirect as one word and one number. */
export type Told = {
  readonly code: "wrong" | "locked" | "expired" | "many" | "unsent" | "barred" | "theirs" | "empty";
  /** Guesses left, or the Unix minute at which a lock ends. */
  readonly number?: number;
};

const MINUTE = 60_000;

/** The word for a refusal. What a page has no word for is told as a code that is not good any more: the way on is the same. */
export function toldOf(refusal: Refusal): Told {
  switch (refusal.code) {
    case "wrong_code":
      return { code: "wrong", number: refusal.left };
    case "code_locked":
      return { code: "locked", number: Math.ceil(refusal.until / MINUTE) };
    case "too_many":
      return { code: "many" };
    case "delivery_failed":
      return { code: "unsent" };
    case "not_allowed":
      return { code: "barred" };
    default:
      return { code: "expired" };
  }
}

const clock = (at: Instant): string => new Date(at).toISOString().slice(11, 16);

/** The sentence for the reader. */
export function sentenceOf(told: Told, locale: string): string {
  const { errors } = verifyWords(locale);
  switch (told.code) {
    case "wrong":
      return errors.wrong(told.number ?? 1);
    case "locked": {
      const until = told.number === undefined ? "" : ` ${errors.lockedUntil(clock(told.number * MINUTE))}`;
      return until === "" ? `${errors.locked}.` : `${errors.locked}${until}`;
    }
    case "expired":
      return errors.expiredCode;
    case "many":
      return errors.tooMany;
    case "unsent":
      return errors.notSent;
    case "barred":
      return errors.notAllowed;
    case "theirs":
      return errors.notTheirs;
    case "empty":
      return errors.empty;
  }
}

const CODES: readonly string[] = [
  "wrong",
  "locked",
  "expired",
  "many",
  "unsent",
  "barred",
  "theirs",
  "empty",
];

/** `?e=wrong&n=3`: only words of ours are read back. */
export const toldQuery = ({ code, number }: Told): string =>
  `e=${code}${number === undefined ? "" : `&n=${number}`}`;

export function toldFrom(code: string | undefined, number: string | undefined): Told | undefined {
  if (code === undefined || !CODES.includes(code)) return undefined;
  const isNumber = number !== undefined && /^\d{1,9}$/.test(number);
  return { code: code as Told["code"], ...(isNumber ? { number: Number(number) } : {}) };
}
