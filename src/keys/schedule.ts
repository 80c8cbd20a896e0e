import { LONGEST_TOKEN_SECONDS } from "../core/client/settings.ts";
import { JWKS_MAX_AGE_SECONDS, type KeyState, type Lane, type StoredKey } from "../core/keys/key.ts";
import { DAY, type Instant, MINUTE, type Millis, SECOND } from "../core/time.ts";

/** How long an isolate goes on with the keys that it has read. */
export const SHELF_CACHE: Millis = MINUTE;
/** A new key that follows another signs only once every reader has had the time to see it, with a minute to spare. */
export const PUBLISH_AHEAD: Millis = JWKS_MAX_AGE_SECONDS * SECOND + SHELF_CACHE + MINUTE;
/** Age of the newest key at which upkeep begins another. */
export const ROTATE_AFTER: Millis = 90 * DAY;

export type ScheduledKey = {
  readonly key: StoredKey;
  readonly state: KeyState;
  /** When it leaves the JWKS; undefined while it has no successor. */
  readonly publishedUntil: Instant | undefined;
};

/**
 * The keys of one lane, oldest first, each with what it is at `now`; nothing but the clock moves a key on. Current is the newest
 * that is active, or the first one, whose maker's clock may be a little ahead.
 */
export function schedule(keys: readonly StoredKey[], lane: Lane, now: Instant): readonly ScheduledKey[] {
  const sorted = keys.filter((key) => key.lane === lane).sort((a, b) => a.generation - b.generation);
  const current = Math.max(
    0,
    sorted.findLastIndex((key) => key.activatesAt <= now),
  );
  return sorted.map((key, index) => ({
    key,
    state: index < current ? "retired" : index === current ? "current" : "next",
    publishedUntil: leaves(lane, sorted[index + 1]),
  }));
}

/** Lanes whose keys follow each other by the clock, each published before it signs and for as long as its tokens live. */
export const ROTATING = ["standard", "rs256"] as const;
export const hasOverlap = (lane: Lane): boolean => ROTATING.some((rotating) => rotating === lane);

/** A retired key is published for as long as a token of its last moment may live; without overlap it leaves at once. */
function leaves(lane: Lane, successor: StoredKey | undefined): Instant | undefined {
  if (successor === undefined) return undefined;
  return successor.activatesAt + (hasOverlap(lane) ? LONGEST_TOKEN_SECONDS * SECOND : 0);
}

/** Whether verifiers may meet it: from its making until the last token that it signed has ended. */
export const isPublished = ({ publishedUntil }: ScheduledKey, now: Instant): boolean =>
  publishedUntil === undefined || now < publishedUntil;

/** What the lanes are for as long as nothing of it changes: made once, and read by every request until then. */
export type Phase = {
  /** The keys that it was made of. */
  readonly of: readonly StoredKey[];
  readonly published: (lane: Lane) => readonly ScheduledKey[];
  /** Whether it still holds; a clock that was set back has left it, too. */
  readonly holds: (now: Instant) => boolean;
};

/** The published keys of each lane, oldest first, from `now` until the next of them begins, signs or leaves. */
export function phase(of: readonly StoredKey[], lanes: readonly Lane[], now: Instant): Phase {
  const all = lanes.flatMap((lane) => schedule(of, lane, now));
  const changes = all
    .flatMap(({ key, publishedUntil }) => [key.activatesAt, publishedUntil ?? now])
    .filter((at) => at > now);
  const until = Math.min(...changes);
  const byLane = new Map(
    lanes.map((lane) => [lane, all.filter((key) => key.key.lane === lane && isPublished(key, now))] as const),
  );
  return {
    of,
    published: (lane) => byLane.get(lane) ?? [],
    holds: (at) => now <= at && at < until,
  };
}
