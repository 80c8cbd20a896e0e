import { type Api, isObject } from "../scripts/demo/api.ts";

/**
 * Milliseconds until the waiting side is told: since the answer was sent, since its decision was committed in the object, and since
 * the one who answered had their own answer. The second is between two clocks of one machine, of which one ticks whole milliseconds.
 */
export type Sample = {
  readonly sentToTold: number;
  readonly committedToTold: number;
  readonly acceptedToTold: number;
};

/** A clock that ticks whole milliseconds is behind by this much in the mean. */
export const HALF_TICK = 0.5;

const PAUSE_MS = 40;
const TRIES = 50;

const pause = (): Promise<void> => new Promise((wake) => setTimeout(wake, PAUSE_MS));

/** Long enough for a request that was sent to have reached its wait. */
export const heldFor = pause;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** When the approval was committed, by the timeline of the finished challenge's audit row (Unix milliseconds). */
export async function committedAt(admin: Api, query: string, challengeId?: string): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { events } = await admin.read(`/admin/audit?${query}`, 200);
    for (const event of listOf(events)) {
      const data = isObject(event) && isObject(event.data) ? event.data : {};
      if (challengeId !== undefined && data.challenge_id !== challengeId) continue;
      const step = listOf(data.timeline).find((each) => isObject(each) && each.what === "approved");
      if (!isObject(step)) continue;
      return (typeof step.at === "number" ? step.at : Date.parse(String(step.at))) + HALF_TICK;
    }
    await pause();
  }
  throw new Error("the audit trail holds no approval");
}
