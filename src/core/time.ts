/** An instant: integer milliseconds since the Unix epoch. Seconds and ISO text live in the doors. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Millis = number;

export const SECOND: Millis = 1_000;
export const MINUTE: Millis = 60 * SECOND;
export const HOUR: Millis = 60 * MINUTE;
export const DAY: Millis = 24 * HOUR;

/** Whole Unix seconds of an instant, rounded down: what JWT claims and wire timestamps carry. */
export const toSeconds = (at: Instant): number => Math.floor(at / SECOND);
