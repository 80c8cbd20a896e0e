import { MINUTE, type Millis } from "../time.ts";

/** How long a one-time code is good for, at most. */
export const ONE_TIME_CODE_LIFETIME: Millis = 10 * MINUTE;

/** How long the result of a sign-in waits for its waiter, and may be told again, from the approval on: a phone pauses that long. */
export const COLLECTABLE: Millis = 5 * MINUTE;
