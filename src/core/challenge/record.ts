import type { AuditEvent } from "../audit/event.ts";
import type { Grant } from "../grant/state.ts";
import { type ChallengeId, type DeviceId, NOBODY, parseDeviceId } from "../ids.ts";
import type { GrantListing, QueueMessage } from "../message/queue.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { MustBeActive, NotActive } from "../ports/standing.ts";
import { ok, type Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { JsonObject, Step } from "./state.ts";

/** What the audit row of a finished challenge is made from. */
export type Finished = Pick<Snapshot, "spec" | "view" | "timeline">;

/**
 * The one audit row of a finished challenge, with its timeline. Made from the ending step alone, so whoever writes it, the
 * request that ended the challenge or the queue's consumer, writes the same id and the second write is ignored.
 */
export function finishedEvent({ spec, view, timeline }: Finished): AuditEvent {
  const last = timeline.at(-1);
  const at = last?.at ?? spec.createdAt;
  const named = view.approval?.userId ?? spec.userId;
  const userId = named === NOBODY ? undefined : named;
  const deviceId = deviceOf(timeline);
  const { ip, country, userAgent } = spec.origin;
  return {
    id: finishedId(at, spec.id),
    at,
    type: `${spec.purpose}.${view.state}`,
    actor: last?.by ?? "system",
    clientId: spec.clientId,
    ...(userId === undefined ? {} : { userId }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(ip === undefined ? {} : { ip }),
    data: {
      challenge_id: spec.id,
      door: spec.door,
      ...(country === undefined ? {} : { country }),
      ...(userAgent === undefined ? {} : { user_agent: userAgent }),
      timeline: timeline.map(stepData),
    },
  };
}

/** What D1 lists of a grant. */
export const grantListing = (grant: Grant): GrantListing => ({
  id: grant.id,
  userId: grant.userId,
  clientId: grant.clientId,
  ...(grant.deviceId === undefined ? {} : { deviceId: grant.deviceId }),
  ...(grant.sessionId === undefined ? {} : { sessionId: grant.sessionId }),
  scope: grant.scope,
  amr: grant.amr,
  createdAt: grant.createdAt,
});

/** Sorts by time as text: 12 hexadecimal digits of milliseconds, then the start of the challenge's id. */
const finishedId = (at: Instant, challengeId: string): string =>
  at.toString(16).padStart(12, "0") + challengeId.slice(0, 20);

const stepData = ({ at, what, by, ip, sessionName, page }: Step): JsonObject => ({
  at,
  what,
  ...(by === undefined ? {} : { by }),
  ...(ip === undefined ? {} : { ip }),
  ...(sessionName === undefined ? {} : { session_name: sessionName }),
  ...(page === undefined ? {} : { page }),
});

/** The device that decided, or else the one that claimed. */
function deviceOf(timeline: readonly Step[]): DeviceId | undefined {
  const by = timeline.findLast((step) => /^(device|firstEnrolment):/.test(step.by ?? ""))?.by;
  return by === undefined ? undefined : parseDeviceId(by.slice(by.indexOf(":") + 1));
}

type Powers = Pick<Services, "challenges" | "records" | "background" | "log">;

/**
 * Writes the end of a challenge to D1 in one batch and tells its object so. When D1 cannot be used the answer goes out all the same: the
 * object's alarm sends what is unlisted to the queue (settled question 28, T101). A grant whose user, client or device has fallen is not
 * listed: it is ended, and the refusal must go out in the place of its tokens. Who redeemed without asking whether everybody stands
 * gives `orElse`: it is asked where the batch could not say it, and an outage there is the answer's too.
 */
export async function recordFinish(
  powers: Powers,
  id: ChallengeId,
  event: AuditEvent,
  grant?: GrantListing,
  /** Who must stand for an end without a grant. */
  standing?: MustBeActive,
  orElse?: () => Promise<Result<undefined, NotActive>>,
): Promise<Result<undefined, NotActive>> {
  let finished: Result<undefined, NotActive>;
  try {
    const isBare = grant === undefined && standing !== undefined;
    finished = await (isBare
      ? powers.records.note(event, standing)
      : powers.records.finish(event, grant, standing?.since));
  } catch (cause) {
    powers.log("warn", "the end of a challenge is not in D1 yet", { challengeId: id, cause: String(cause) });
    const stands = orElse ? await orElse() : ok(undefined);
    if (!stands.ok) await powers.challenges.revoke(id, stands.error.code);
    return stands;
  }
  if (!finished.ok) await powers.challenges.revoke(id, finished.error.code);
  // Of what was refused nothing is left to write either.
  noteListed(powers, id);
  return finished;
}

/** What the queue is to tell whom of a challenge that has left `pending`: its door says so. */
export function settledMessage(
  { doors }: Pick<Services, "doors">,
  ended: Pick<Snapshot, "spec" | "view" | "timeline">,
): QueueMessage | undefined {
  const { door, clientId } = ended.spec;
  const event = doors.find((rules) => rules.door === door)?.settled?.(ended);
  return event && { kind: "door_event", door, clientId, event };
}

/** Has it told, behind the answer. Whoever is not told finds out by asking. */
export function tellSettled(
  powers: Pick<Services, "doors" | "events" | "background" | "log">,
  ended: Pick<Snapshot, "spec" | "view" | "timeline">,
): void {
  const message = settledMessage(powers, ended);
  if (!message) return;
  const { id: challengeId } = ended.spec;
  powers.background(() =>
    powers.events.send(message).catch((cause: unknown) => {
      powers.log("warn", "nobody is told that a challenge has ended", { challengeId, cause: String(cause) });
    }),
  );
}

/** Tells a challenge's object, behind the answer, that D1 holds what there is to hold of its end. */
export function noteListed(
  powers: Pick<Services, "challenges" | "background" | "log">,
  id: ChallengeId,
): void {
  powers.background(() =>
    powers.challenges.markListed(id).catch((cause: unknown) => {
      powers.log("warn", "a challenge could not be marked listed", { challengeId: id, cause: String(cause) });
    }),
  );
}
