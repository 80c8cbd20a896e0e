import { DAY, HOUR, MINUTE, type Millis } from "../time.ts";

/** Prompts that one person gets in any minute, over all clients and doors (T01; Auth0 publishes the same five). */
export const PROMPTS_PER_MINUTE = 5;
export const PROMPT_WINDOW: Millis = MINUTE;

/** This many denials within the window silence the person's prompts (T02). */
export const DENIALS_TO_SILENCE = 3;
export const DENIAL_WINDOW: Millis = 10 * MINUTE;
export const SILENCE: Millis = 10 * MINUTE;

/** How long a used signing input is remembered: longer than any door accepts its timestamp. */
export const SPENT_MEMORY: Millis = 20 * MINUTE;
export const SPENT_LIMIT = 400;

/** How long after the sign-up the first device may be enrolled without a signature (settled question 22). */
export const ENROLMENT_WINDOW: Millis = 10 * MINUTE;

/** Wrong guesses of one kind before the person's codes of that kind are locked. */
export const GUESS_LIMIT = 5;
/** Counters that nobody touches are forgotten after this long. */
export const IDLE_COUNTER: Millis = DAY;

/** How long a one-time code is good for, at most. */
export const CODE_LIFETIME: Millis = 10 * MINUTE;
/** Codes sent to one identifier within each rolling window, over all clients, challenges and channels. */
export const CODE_SENDS: readonly { readonly window: Millis; readonly limit: number }[] = [
  { window: 5 * MINUTE, limit: 5 },
  { window: DAY, limit: 30 },
];
/** How long wrong guesses lock an identifier the first time; each further lock within a day is twice as long, up to the longest. */
export const CODE_LOCK: Millis = 15 * MINUTE;
export const CODE_LOCK_LONGEST: Millis = 4 * HOUR;
/** Wrong one-time codes of one person in a day, over all of their identifiers. */
export const PERSON_CODE_GUESSES = 20;
