import { isStranger } from "../core/caller.ts";
import { OUT_OF_ATTEMPTS, REPLACED } from "../core/challenge/cancel.ts";
import { finishedEvent, grantListing } from "../core/challenge/record.ts";
import { type Challenge, type Phase, TERMINAL } from "../core/challenge/state.ts";
import { deadline, settle } from "../core/challenge/view.ts";
import { isAlive } from "../core/grant/state.ts";
import type { QueueMessage } from "../core/message/queue.ts";
import { type Instant, MINUTE, type Millis } from "../core/time.ts";
import { type ChallengeRecord, snapshotOf } from "./record.ts";

/** How long after its end a challenge can still be asked about. */
const RETENTION: Millis = 10 * MINUTE;
/** When the broom first looks whether D1 has heard of a redemption; also the pause after a failure. */
export const LOOK_AGAIN: Millis = MINUTE;

/** When the alarm of a new challenge rings: at its expiry, or earlier to list what an outage left unlisted. */
export const firstAlarm = ({ challenge: { spec, phase } }: ChallengeRecord): Instant =>
  Math.min(TERMINAL.has(phase.name) ? spec.expiresAt : deadline(spec, phase), spec.createdAt + LOOK_AGAIN);

/** When the alarm rings for a grant that ended before its time. */
export const alarmAfterEnd = (record: ChallengeRecord, now: Instant): Instant =>
  now + (record.listed || record.queued ? RETENTION : LOOK_AGAIN);

/** The record once time is settled: the same one unless its challenge has expired unseen. */
export function settleRecord(record: ChallengeRecord, now: Instant): ChallengeRecord {
  const challenge = settle(record.challenge, now);
  return challenge === record.challenge ? record : { ...record, challenge };
}

/**
 * What the queue must still hear of a finished challenge. A grant that is dead already is not listed any more; and what nobody has answered
 * leaves nothing, unless a client's secret began it: a stranger writes no rows.
 */
export function unheard(record: ChallengeRecord, now: Instant): QueueMessage | undefined {
  if (record.listed || record.queued || !TERMINAL.has(record.challenge.phase.name)) return undefined;
  if (isNobodys(record.challenge)) return undefined;
  const event = finishedEvent(snapshotOf(record, now));
  const { grant } = record;
  return grant && isAlive(grant, now)
    ? { kind: "list_grant", grant: grantListing(grant), event }
    : { kind: "audit", events: [event] };
}

/** Cancels that are the service's own and nobody's answer. */
const NO_ANSWER: readonly string[] = [OUT_OF_ATTEMPTS, "start_refused", REPLACED];

/** Whether no secret began it and nobody claimed, decided or cancelled it. One of a version that did not look may have had a secret. */
function isNobodys({ spec: { brought }, phase, timeline }: Challenge): boolean {
  if (brought === undefined || !(isStranger({ brought }) || brought === "browser")) return false;
  if (timeline.some(({ what }) => what === "claimed" || what === "approved")) return false;
  return phase.name === "expired" || (phase.name === "cancelled" && NO_ANSWER.includes(phase.by));
}

/** When the broom has something to do next; undefined: nothing is left to keep. */
export function nextMoment({ challenge, grant }: ChallengeRecord, now: Instant): Instant | undefined {
  const { spec, phase } = challenge;
  const over = deadline(spec, phase);
  if (!TERMINAL.has(phase.name)) return over;
  if (grant && isAlive(grant, now)) return grant.expiresAt;
  const kept = over + Math.max(RETENTION, replayable(phase) ? spec.replayWindow : 0);
  const until = Math.max(kept, grant?.ended ? grant.ended.at + RETENTION : 0);
  return now < until ? until : undefined;
}

const replayable = (phase: Phase): boolean => phase.name === "redeemed";
