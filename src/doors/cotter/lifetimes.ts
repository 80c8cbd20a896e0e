import { SECOND } from "../../core/time.ts";

/** How long an event waits for its answer: Flutter polls for 180 s (Cotter §9, settled question 20). */
export const EVENT_LIFETIME = 200 * SECOND;
/** How long an approval waits for the poll that collects it: a phone may pause an app for minutes. */
export const REDEEM_WINDOW = 300 * SECOND;
/** How long the same poll gets the same tokens again. */
export const REPLAY_WINDOW = 120 * SECOND;
