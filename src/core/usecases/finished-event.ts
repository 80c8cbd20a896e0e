import { NOBODY } from "../action/backend-code.ts";
import type { AuditEvent } from "../audit.ts";
import type { JsonObject, Step } from "../challenge/state.ts";
import type { Grant } from "../grant/state.ts";
import { type DeviceId, parseDeviceId } from "../ids.ts";
import type { GrantListing } from "../messages.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Instant } from "../time.ts";

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
  scope: grant.scope,
  amr: grant.amr,
  createdAt: grant.createdAt,
});

/** Sorts by time as text: 12 hexadecimal digits of milliseconds, then the start of the challenge's id. */
const finishedId = (at: Instant, challengeId: string): string =>
  at.toString(16).padStart(12, "0") + challengeId.slice(0, 20);

const stepData = ({ at, what, by, ip, sessionName }: Step): JsonObject => ({
  at,
  what,
  ...(by === undefined ? {} : { by }),
  ...(ip === undefined ? {} : { ip }),
  ...(sessionName === undefined ? {} : { session_name: sessionName }),
});

/** The device that decided, or else the one that claimed. */
function deviceOf(timeline: readonly Step[]): DeviceId | undefined {
  const by = timeline.findLast((step) => /^(device|firstEnrolment):/.test(step.by ?? ""))?.by;
  return by === undefined ? undefined : parseDeviceId(by.slice(by.indexOf(":") + 1));
}
