import { SECOND } from "../../core/time.ts";

/** How long an event waits for its answer: Flutter polls for 180 s (Cotter §9, settled question 20). */
export const EVENT_LIFETIME = 200 * SECOND;
/** How long an approval waits for the poll that collects it. */
export const REDEEM_WINDOW = 60 * SECOND;
/** How long overlapping polls get the same tokens again. */
export const REPLAY_WINDOW = 30 * SECOND;
