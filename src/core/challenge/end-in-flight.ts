import type { Requester } from "../audit/record.ts";
import { type ChallengeId, type DeviceId, type UserId, userSubject } from "../ids.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { DoorPorts, Services } from "../ports/services.ts";
import { finishedEvent, recordFinish, tellSettled } from "./record.ts";

type Powers = Pick<
  Services,
  "inboxes" | "challenges" | "doors" | keyof DoorPorts | "records" | "events" | "clock" | "background" | "log"
>;

export type InFlight = Requester & {
  readonly userId: UserId;
  /** Why, as the timeline of each challenge will say. */
  readonly reason: "user_locked" | "user_deleted" | "device_removed";
};

/**
 * Ends what waits for a user who is locked or deleted: prompts, challenges that are pending, claimed or approved, the window for a first
 * device. Whoever waits is told. What cannot be found from the user ends when it would be redeemed (docs/decisions/0045).
 */
export async function endInFlight(powers: Powers, asked: InFlight): Promise<void> {
  const [prompted, begun] = await Promise.all([
    powers.inboxes.endAll(userSubject(asked.userId)),
    underWay(powers, asked.userId),
  ]);
  await cancelAll(powers, asked, [...prompted, ...begun]);
}

/** Ends what is under way by the word of a device that was removed, and what it alone could have answered. */
export async function endOfDevice(powers: Powers, asked: InFlight, deviceId: DeviceId): Promise<void> {
  const [prompted, begun] = await Promise.all([
    powers.inboxes.disconnect(userSubject(asked.userId), deviceId),
    underWay(powers, asked.userId),
  ]);
  const snapshots = await Promise.all(begun.map((id) => powers.challenges.read(id)));
  const own = snapshots.filter((snapshot) => snapshot && isBy(snapshot, deviceId));
  await cancelAll(powers, asked, [...prompted, ...own.flatMap((snapshot) => snapshot?.spec.id ?? [])]);
}

/** Claimed, approved, or to be answered by this device. */
const isBy = ({ spec, timeline }: Snapshot, deviceId: DeviceId): boolean =>
  spec.onlyDevice === deviceId || timeline.some(({ by }) => by === `device:${deviceId}`);

async function underWay(powers: Powers, userId: UserId): Promise<readonly ChallengeId[]> {
  return (await Promise.all(powers.doors.map((door) => door.underWay(powers, userId)))).flat();
}

async function cancelAll(powers: Powers, asked: InFlight, ids: readonly ChallengeId[]): Promise<void> {
  await Promise.all([...new Set(ids)].map((id) => cancel(powers, asked, id)));
}

async function cancel(powers: Powers, { reason, actor, ip }: InFlight, id: ChallengeId): Promise<void> {
  const from = ip === undefined ? {} : { ip };
  const applied = await powers.challenges.apply(id, { name: "cancel", by: reason, ...from });
  if (!applied.ok || !applied.value.changed) return;
  tellSettled(powers, applied.value);
  await recordFinish(powers, id, { ...finishedEvent(applied.value), actor, reason });
}
