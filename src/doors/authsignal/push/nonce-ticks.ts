import type { DeviceId } from "../../../core/ids.ts";
import type { Instant, Millis } from "../../../core/time.ts";

/** Nonces that are still good are found by trying, so a tick is as long as it may be. */
export const TICK: Millis = 250;
/** How far in front of the clock a nonce may be, in ticks: so many of one device in a tick differ. */
export const AHEAD = 8;
const REMEMBERED = 1_000;

/** Gives each nonce of a device a tick of its own. */
export type NonceTicks = {
  /** `jitter`, 0 to 3: another isolate that answers in the same tick mostly takes another. */
  take(device: DeviceId, now: Instant, jitter: number): number;
};

export const tickOf = (now: Instant): number => Math.floor(now / TICK);

/** What an isolate remembers of the nonces that it gave out; nothing else knows of them. */
export function makeNonceTicks(): NonceTicks {
  const last = new Map<DeviceId, number>();
  return {
    take(device, now, jitter) {
      const present = tickOf(now);
      const free = Math.max(present + jitter, (last.get(device) ?? 0) + 1);
      const tick = Math.min(free, present + AHEAD);
      last.delete(device);
      const [oldest] = last.keys();
      if (last.size >= REMEMBERED && oldest !== undefined) last.delete(oldest);
      last.set(device, tick);
      return tick;
    },
  };
}
