import { toBase64Url } from "../../src/core/base64.ts";
import type { StoredKey } from "../../src/core/keys/key.ts";
import type { Chance, Clock } from "../../src/core/ports/edge.ts";
import type { KeyStore } from "../../src/core/ports/keys.ts";
import type { Instant } from "../../src/core/time.ts";
import { parseSecretKeys } from "../../src/keys/secret-keys.ts";

/** 32 equal bytes as base64url. */
export const keyText = (byte: number): string => toBase64Url(new Uint8Array(32).fill(byte));

/** 32 bytes that look random, the same for the same seed, as base64url: a production deployment takes no other. */
export function variedKey(seed: number): string {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  return toBase64Url(Uint8Array.from({ length: 32 }, next));
}

export const secretKeys = parseSecretKeys({
  KEY_ENCRYPTION_KEY: `1:${keyText(0x11)}`,
  HANDLE_KEY: `1:${keyText(0x22)}`,
  PEPPER: keyText(0x33),
});

export const randomChance: Pick<Chance, "uuid" | "text"> = {
  uuid: () => crypto.randomUUID(),
  text: (bytes) => toBase64Url(crypto.getRandomValues(new Uint8Array(bytes))),
};

export type ManualClock = Clock & { at: Instant };
export function manualClock(at: Instant): ManualClock {
  const clock = { at, now: () => clock.at };
  return clock;
}

/** A shelf in memory that keeps the port's promise: one key for each generation of a lane. Counts its reads. */
export type MemoryShelf = KeyStore & { readonly rows: StoredKey[]; reads: number };
export function memoryShelf(rows: readonly StoredKey[] = []): MemoryShelf {
  const same = (lane: string, generation: number) => (key: StoredKey) =>
    key.lane === lane && key.generation === generation;
  const shelf: MemoryShelf = {
    rows: [...rows],
    reads: 0,
    async all() {
      shelf.reads += 1;
      return [...shelf.rows];
    },
    async insert(key) {
      if (shelf.rows.some(same(key.lane, key.generation))) return false;
      shelf.rows.push(key);
      return true;
    },
    async remove(lane, generation) {
      const index = shelf.rows.findIndex(same(lane, generation));
      if (index >= 0) shelf.rows.splice(index, 1);
    },
  };
  return shelf;
}
