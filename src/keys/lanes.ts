import { Outage } from "../core/fault.ts";
import type { Lane, ListedKey, StoredKey, TokenLane } from "../core/keys/key.ts";
import type { Chance, Clock } from "../core/ports/edge.ts";
import type { KeyStore } from "../core/ports/keys.ts";
import type { Millis } from "../core/time.ts";
import { makeKeyCache } from "./key-cache.ts";
import { makeStoredKey } from "./key-pairs.ts";
import {
  hasOverlap,
  isPublished,
  type Phase,
  PUBLISH_AHEAD,
  phase,
  ROTATE_AFTER,
  ROTATING,
  type ScheduledKey,
  schedule,
} from "./schedule.ts";
import type { Wrapping } from "./wrap.ts";

/** Cotter's SDKs look for this kid and cache its key for ever (Cotter §4.10). */
export const COTTER_KID = "SPACE_JWT_PUBLIC:8028AAA3-EC2D-4BAA-BE7A-7C8359CCB9F9";

/** In the order of the JWKS: some readers take the first key. */
export const TOKEN_LANES: readonly TokenLane[] = ["standard", "cotter", "rs256"];
export const LANES: readonly Lane[] = [...TOKEN_LANES, "statement", "vapid"];
/** A key of this lane is made where one is needed, and by nobody who reads what there is: most deployments never have one. */
export const isMadeAtNeed = (lane: Lane): boolean => lane === "rs256" || lane === "vapid";

export type Lanes = {
  /** The key that signs now; the first one is made here. `age` is how old what is known of the shelf may be. */
  current(lane: Lane, age?: Millis): Promise<StoredKey>;
  published(lane: Lane, age?: Millis): Promise<readonly ScheduledKey[]>;
  /** A published key of a kid that was not held, when the shelf may be asked again. */
  stranger(kid: string): Promise<ScheduledKey | undefined>;
  rotate(lane: TokenLane): Promise<ListedKey>;
  upkeep(): Promise<void>;
};

type LanesNeeds = {
  readonly shelf: KeyStore;
  readonly wrapping: Wrapping;
  readonly clock: Clock;
  readonly chance: Pick<Chance, "uuid">;
};

/** The lanes of the shelf as the clock sees them. */
export function makeLanes({ shelf, wrapping, clock, chance }: LanesNeeds): Lanes {
  const cache = makeKeyCache(shelf, clock);
  let kept: Phase | undefined;
  const publishedOf = (keys: readonly StoredKey[], lane: Lane): readonly ScheduledKey[] => {
    const now = clock.now();
    if (kept?.of !== keys || !kept.holds(now)) kept = phase(keys, LANES, now);
    return kept.published(lane);
  };
  const currentOf = (keys: readonly StoredKey[], lane: Lane): StoredKey | undefined =>
    publishedOf(keys, lane).find(({ state }) => state === "current")?.key;

  /** Stores a key of this generation, unless another maker was first; answers what the shelf then holds. */
  async function begin(lane: Lane, generation: number, activatesAt: number): Promise<readonly StoredKey[]> {
    const kid = lane === "cotter" ? COTTER_KID : chance.uuid();
    const birth = { lane, generation, kid, now: clock.now(), activatesAt };
    await shelf.insert(await makeStoredKey(wrapping, birth));
    return cache.reload();
  }

  async function current(lane: Lane, age?: Millis): Promise<StoredKey> {
    const key = currentOf(await cache.keys(age), lane) ?? currentOf(await begin(lane, 1, clock.now()), lane);
    if (key === undefined) throw new Outage(`the first ${lane} key cannot be read back`);
    return key;
  }

  async function rotate(lane: TokenLane): Promise<ListedKey> {
    const newest = schedule(await cache.reload(), lane, clock.now()).at(-1)?.key;
    const generation = (newest?.generation ?? 0) + 1;
    const at = clock.now() + (hasOverlap(lane) && newest !== undefined ? PUBLISH_AHEAD : 0);
    const keys = await begin(lane, generation, Math.max(at, newest?.activatesAt ?? 0));
    const begun = schedule(keys, lane, clock.now()).find(({ key }) => key.generation === generation);
    if (begun === undefined) throw new Outage(`the new ${lane} key cannot be read back`);
    return listed(begun);
  }

  async function upkeep(): Promise<void> {
    const known = await cache.reload();
    for (const lane of ROTATING) {
      const newest = schedule(known, lane, clock.now()).at(-1)?.key;
      if (newest !== undefined && clock.now() - newest.createdAt > ROTATE_AFTER) await rotate(lane);
    }
    const stored = await cache.keys();
    const now = clock.now();
    const keys = LANES.flatMap((lane) => schedule(stored, lane, now));
    const gone = keys.filter((key) => !isPublished(key, now));
    for (const { key } of gone) await shelf.remove(key.lane, key.generation);
    if (gone.length > 0) await cache.reload();
  }

  return {
    current,
    published: async (lane, age) => publishedOf(await cache.keys(age), lane),
    async stranger(kid) {
      const keys = await cache.reloadForStranger();
      if (keys === undefined) return undefined;
      return TOKEN_LANES.flatMap((lane) => publishedOf(keys, lane)).find(({ key }) => key.kid === kid);
    },
    rotate,
    upkeep,
  };
}

/** A key as the admin API shows it: no private member, wrapped or not. */
export const listed = ({ key, state, publishedUntil }: ScheduledKey): ListedKey => {
  const { lane, kid, algorithm, createdAt, activatesAt } = key;
  const until = publishedUntil === undefined ? {} : { publishedUntil };
  return { lane, kid, algorithm, state, createdAt, activatesAt, ...until };
};
