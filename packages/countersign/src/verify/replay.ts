import { unavailable } from "./refusal.ts";

/**
 * Remembers which DPoP proofs were used. Several processes that share a store refuse a proof that one of them has seen.
 *
 * `spend` is atomic: of two calls with the same key one gets `true`, at most. `false`: it was used before. `key` is 43 characters of
 * base64url. From `expiresAt` on (milliseconds since 1970) the key can be forgotten.
 */
export type ReplayStore = {
  spend(key: string, expiresAt: number): Promise<boolean> | boolean;
};

/** How many proofs the memory of a process holds at once. */
const MOST = 100_000;

/** The default: in memory, for this process alone. When it is full, further proofs are `unavailable` instead of unchecked. */
export function memoryReplayStore(clock: () => number, most = MOST): ReplayStore {
  const used = new Map<string, number>();
  return {
    spend(key, expiresAt) {
      const now = clock();
      // The oldest come first. One that lives a little longer may stand before others for two minutes.
      for (const [old, until] of used) {
        if (until > now) break;
        used.delete(old);
      }
      if (used.has(key)) return false;
      if (used.size >= most) throw unavailable("Too many DPoP proofs are remembered", 10);
      used.set(key, expiresAt);
      return true;
    },
  };
}
