import { DAY, HOUR, MINUTE, type Millis, SECOND } from "../time.ts";

// Every number of this file stands in docs/limits.md, and test/unit/documents/limits.test.ts holds the two together.

/** At most `limit` in any stretch of `window`. */
export type Rule = { readonly window: Millis; readonly limit: number };

/** Prompts that one user gets in any minute, over all clients and doors (T01; Auth0 publishes the same five). */
export const PROMPTS_PER_MINUTE = 5;
export const PROMPT_WINDOW: Millis = MINUTE;
/** Strangers are listed below this count only, and no client's own askers above it: the last place is another's, who brings something. */
export const OPEN_PROMPTS = 4;
/** Of a user's prompts in a minute, those that strangers may cause at one client. */
export const OPEN_PROMPTS_OF_CLIENT = 3;
/** Of a user's prompts in a minute, those that strangers of one network may cause. */
export const PROMPTS_OF_NETWORK = 2;

/** This many denials of one asker within the window silence that asker (T02). */
export const DENIALS_TO_SILENCE = 3;
export const DENIAL_WINDOW: Millis = 10 * MINUTE;
export const SILENCE: Millis = 10 * MINUTE;

/** How long a used signing input is remembered: longer than any door accepts its timestamp. */
export const SPENT_MEMORY: Millis = 20 * MINUTE;
export const SPENT_LIMIT = 400;
/** How long the identical signed request is answered as it was the first time: apps repeat a slow call by themselves. */
export const REPEATABLE: Millis = 30 * SECOND;

/** How long after the sign-up the first device may be enrolled without a signature (settled question 22). */
export const ENROLMENT_WINDOW: Millis = 10 * MINUTE;

/** How long somebody who lost their device waits for another one, after the first proof of an address; any device or reader ends it. */
export const RECOVERY_WAIT: Millis = 72 * HOUR;
/** How long after the wait the next proof may enrol it. */
export const RECOVERY_OPEN: Millis = 7 * DAY;
/** How long no wait begins after somebody has ended one. */
export const RECOVERY_PAUSE: Millis = DAY;

/** Wrong guesses at one challenge's code before it is dead. */
export const GUESS_LIMIT = 5;
/** Counters that nobody touches are forgotten after this long. */
export const IDLE_COUNTER: Millis = DAY;

/** Codes and links that strangers may have sent to an address, over all clients, in each rolling window. */
export const OPEN_LETTERS: readonly Rule[] = [
  { window: 5 * MINUTE, limit: 5 },
  { window: DAY, limit: 20 },
];
/** The same for callers who bring something, at each client. */
export const OWN_LETTERS: readonly Rule[] = [
  { window: 5 * MINUTE, limit: 5 },
  { window: DAY, limit: 30 },
];
/** Of a client's letters to an address in a day, those for askers who have merely chosen it: the rest is for whoever has enrolled it. */
export const CHOSEN_LETTERS: Rule = { window: DAY, limit: 15 };
/** Addresses that are counted together share this many times the letters of one, in the lanes of those who bring something. */
export const SPELLINGS = 2;

/** Letters that tell a user of an enrolled device, and those of a removed one: each by one client, to each proven address. */
export const DEVICE_LETTERS: Rule = { window: DAY, limit: 10 };

/** Starts in a minute about one user or address at a client, by strangers, known browsers or with an action's token. */
export const STARTS_ABOUT = 10;

/** Distinct wrong guesses at user codes: of one network's strangers, or of one client's backend or token-bearing waiters. */
export const GUESSES: Rule = { window: 15 * MINUTE, limit: 5 };
export const GUESSES_OF_DAY: Rule = { window: DAY, limit: 20 };
/** The same, of all strangers together, for one user. */
export const STRANGERS_GUESSES: Rule = { window: DAY, limit: 100 };
/** Guesses at device codes, right ones not counted, over the whole deployment; users and networks have theirs in `GUESSES`. */
export const DEVICE_GUESSES: Rule = { window: 10 * MINUTE, limit: 500 };
/** Wrong match codes that a user's devices may type, over all challenges (T04). */
export const MATCH_GUESSES: Rule = { window: 15 * MINUTE, limit: 5 };

/** Recovery codes that a user types, right ones not counted: none of 80 bits is ever guessed, and a wrong one costs a reading of D1. */
export const RECOVERY_CODE_GUESSES: Rule = { window: 15 * MINUTE, limit: 10 };

/** What strangers may use of an hourly budget before the rest is kept for callers who bring something. */
export const OPEN_SHARE = 0.8;
/** What strangers of one network may use of a client's letters in an hour. */
export const NETWORK_SHARE = 0.1;
export const SEND_WINDOW: Millis = HOUR;

/** A part of a budget; never less than one. */
export const partOf = (limit: number, share: number): number => Math.max(1, Math.floor(limit * share));
/** What one network may use where it may use half. */
export const halfOf = (limit: number): number => Math.ceil(limit / 2);
