import type { Context } from "hono";
import type { Refusal } from "../core/refusal.ts";
import { type AppEnv, services } from "../http/context.ts";
import type { Said } from "../pages/verify/time.tsx";
import { verifyWords } from "../pages/verify/words.ts";

/** What a page says of a refusal, carried over a redirect as one word and one number. */
export type Told = {
  readonly code:
    | "wrong"
    | "over"
    | "expired"
    | "many"
    | "unsent"
    | "uncarried"
    | "barred"
    | "theirs"
    | "locked"
    | "empty";
  /** Guesses left, or the Unix minute from which on it may be tried again. */
  readonly number?: number;
};

const MINUTE = 60_000;

/** The word for a refusal. What a page has no word for is told as a code that is not good any more: the way on is the same. */
export function toldOf(refusal: Refusal): Told {
  switch (refusal.code) {
    case "wrong_code":
      return { code: "wrong", number: refusal.left };
    case "out_of_guesses":
      return { code: "over" };
    case "code_locked":
      return { code: "many", number: Math.ceil(refusal.until / MINUTE) };
    case "too_many":
      return { code: "many", number: Math.ceil(refusal.retryAt / MINUTE) };
    case "delivery_failed":
      return { code: refusal.uncarried ? "uncarried" : "unsent" };
    case "not_allowed":
      return { code: "barred" };
    case "user_locked":
      return { code: "locked" };
    default:
      return { code: "expired" };
  }
}

/** `Retry-After` of what is refused for a time only. */
export function sayWhen(c: Context<AppEnv>, refusal: Refusal): void {
  if (refusal.code !== "too_many") return;
  const left = Math.ceil((refusal.retryAt - services(c).clock.now()) / 1_000);
  c.header("Retry-After", String(Math.max(1, left)));
}

/** The sentence for the reader. */
export function sentenceOf({ code, number }: Told, locale: string): Said {
  const { errors, trouble } = verifyWords(locale);
  switch (code) {
    case "wrong":
      return { text: errors.wrong(number ?? 1) };
    case "over":
      return { text: errors.over };
    case "expired":
      return { text: errors.expiredCode };
    case "many":
      return number === undefined
        ? { text: errors.tooMany }
        : { text: errors.tooManyUntil, at: number * MINUTE };
    case "unsent":
      return { text: errors.notSent };
    case "uncarried":
      return { text: trouble.uncarried.text };
    case "barred":
      return { text: errors.notAllowed };
    case "theirs":
      return { text: errors.notTheirs };
    case "locked":
      return { text: trouble.locked.text };
    case "empty":
      return { text: errors.empty };
  }
}

const CODES: readonly string[] = [
  ...["wrong", "over", "expired", "many", "unsent", "uncarried", "barred", "theirs", "locked", "empty"],
];

/** `?e=wrong&n=3`: only words of ours are read back. */
export const toldQuery = ({ code, number }: Told): string =>
  `e=${code}${number === undefined ? "" : `&n=${number}`}`;

export function toldFrom(code: string | undefined, number: string | undefined): Told | undefined {
  if (code === undefined || !CODES.includes(code)) return undefined;
  const isNumber = number !== undefined && /^\d{1,9}$/.test(number);
  return { code: code as Told["code"], ...(isNumber ? { number: Number(number) } : {}) };
}
