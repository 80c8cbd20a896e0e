import type { StoredKey } from "../core/keys/key.ts";
import type { Clock } from "../core/ports/edge.ts";
import type { KeyStore } from "../core/ports/keys.ts";
import { type Instant, MINUTE, type Millis, SECOND } from "../core/time.ts";
import { SHELF_CACHE } from "./schedule.ts";

/** Unknown key ids cause at most one read in this time, whoever sends them (T88). */
const STRANGER_EVERY: Millis = MINUTE;
/** While one request reads, the others go on with what is held: not for longer than this, and not with what is that much too old. */
const READING: Millis = 5 * SECOND;

/** The stored keys as this isolate has last read them. */
export type KeyCache = {
  /** At most so old, SHELF_CACHE unless said. */
  keys(age?: Millis): Promise<readonly StoredKey[]>;
  reload(): Promise<readonly StoredKey[]>;
  /** Reads again because of a key id that is not held; undefined when that was done within the minute. */
  reloadForStranger(): Promise<readonly StoredKey[] | undefined>;
};

/** Keeps values, never promises: a promise belongs to the request that made it and may die with it. */
export function makeKeyCache(shelf: Pick<KeyStore, "all">, clock: Clock): KeyCache {
  let held: { readonly keys: readonly StoredKey[]; readonly at: Instant; readonly turn: number } | undefined;
  let turns = 0;
  let readingSince: Instant | undefined;
  let strangerAt: Instant | undefined;
  const within = (since: Instant | undefined, span: Millis): boolean => {
    if (since === undefined) return false;
    const age = clock.now() - since;
    return age >= 0 && age < span;
  };

  async function reload(): Promise<readonly StoredKey[]> {
    const at = clock.now();
    turns += 1;
    const turn = turns;
    readingSince = at;
    try {
      const keys = await shelf.all();
      // A slow read that began earlier must not hide what a later one has seen.
      if (held === undefined || held.turn < turn) held = { keys, at, turn };
      return keys;
    } finally {
      readingSince = undefined;
    }
  }

  return {
    async keys(age = SHELF_CACHE) {
      if (held === undefined) return reload();
      const isBeingRead = within(readingSince, READING) && within(held.at, age + READING);
      return isBeingRead || within(held.at, age) ? held.keys : reload();
    },
    reload,
    async reloadForStranger() {
      if (within(strangerAt, STRANGER_EVERY)) return undefined;
      strangerAt = clock.now();
      return reload();
    },
  };
}
