import type { Action } from "../action/action.ts";
import { type ChallengeId, type DeviceId, type UserId, userSubject } from "../ids.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import { DAY } from "../time.ts";
import type { Requester } from "./audit-event.ts";
import { finishedEvent } from "./finished-event.ts";
import { recordFinish } from "./record-finish.ts";

type Powers = Pick<Services, "inboxes" | "rooms" | "actions" | "records" | "clock" | "background" | "log">;

export type InFlight = Requester & {
  readonly userId: UserId;
  /** Why, as the timeline of each challenge will say. */
  readonly reason: "user_locked" | "user_deleted" | "device_removed";
};

/** Actions of a user that are looked through, newest first. */
const ACTIONS = 50;

/**
 * Ends what waits for a person who is locked or deleted: prompts, challenges that are pending, claimed or approved, the window for a first
 * device. Whoever waits is told. What cannot be found from the person ends when it would be redeemed (docs/decisions/0045).
 */
export async function endInFlight(powers: Powers, asked: InFlight): Promise<void> {
  const [prompted, begun] = await Promise.all([
    powers.inboxes.endAll(userSubject(asked.userId)),
    openActions(powers, asked.userId),
  ]);
  await cancelAll(powers, asked, [...prompted, ...begun]);
}

/** Ends what is under way by the word of a device that was removed, and what it alone could have answered. */
export async function endOfDevice(powers: Powers, asked: InFlight, deviceId: DeviceId): Promise<void> {
  const [prompted, begun] = await Promise.all([
    powers.inboxes.disconnect(userSubject(asked.userId), deviceId),
    openActions(powers, asked.userId),
  ]);
  const snapshots = await Promise.all(begun.map((id) => powers.rooms.read(id)));
  const own = snapshots.filter((snapshot) => snapshot && isBy(snapshot, deviceId));
  await cancelAll(powers, asked, [...prompted, ...own.flatMap((snapshot) => snapshot?.spec.id ?? [])]);
}

/** Claimed, approved, or to be answered by this device. */
const isBy = ({ spec, timeline }: Snapshot, deviceId: DeviceId): boolean =>
  spec.onlyDevice === deviceId || timeline.some(({ by }) => by === `device:${deviceId}`);

async function openActions(powers: Powers, userId: UserId): Promise<readonly ChallengeId[]> {
  const since = powers.clock.now() - DAY;
  const open: readonly Action[] = await powers.actions.openOf(userId, since, ACTIONS);
  return open.flatMap(({ challengeId }) => challengeId ?? []);
}

async function cancelAll(powers: Powers, asked: InFlight, ids: readonly ChallengeId[]): Promise<void> {
  await Promise.all([...new Set(ids)].map((id) => cancel(powers, asked, id)));
}

async function cancel(powers: Powers, { reason, actor, ip }: InFlight, id: ChallengeId): Promise<void> {
  const from = ip === undefined ? {} : { ip };
  const applied = await powers.rooms.apply(id, { name: "cancel", by: reason, ...from });
  if (!applied.ok || !applied.value.changed) return;
  await recordFinish(powers, id, { ...finishedEvent(applied.value), actor, reason });
}
