import type { Client } from "../core/client/client.ts";
import type { ClientId } from "../core/ids.ts";
import { type Instant, type Millis, SECOND } from "../core/time.ts";

/** A disabled client is refused within this time in every isolate (settled question 31). */
export const KNOWN_FOR: Millis = 30 * SECOND;
/** Ids that nobody has are remembered for less, and are bounded: a stranger chooses them. */
export const UNKNOWN_FOR: Millis = 5 * SECOND;
export const UNKNOWN_LIMIT = 1_000;
const KNOWN_LIMIT = 10_000;

type Kept<Value> = { readonly value: Value; readonly until: Instant };

/** What an isolate remembers of clients; one per isolate, made by the wiring. */
export type ClientCache = {
  /** The client, `null` for an id that is known to have none, undefined when D1 must be asked. */
  get(id: ClientId): Client | null | undefined;
  /** The client that had this secret when D1 was asked last. */
  ofSecret(hash: string): ClientId | undefined;
  /** Begins a read of D1; `keep` is ignored when a change came between. */
  mark(): number;
  keep(mark: number, id: ClientId, client: Client | undefined): void;
  keepSecret(mark: number, hash: string, id: ClientId, until: Instant): void;
  /** Forgets a client that was changed here, and its secrets. */
  drop(id: ClientId): void;
};

function put<Key, Value>(map: Map<Key, Kept<Value>>, limit: number, key: Key, kept: Kept<Value>): void {
  map.delete(key);
  const [oldest] = map.keys();
  if (map.size >= limit && oldest !== undefined) map.delete(oldest);
  map.set(key, kept);
}

/** A cache that forgets by the given clock. */
export function makeClientCache(now: () => Instant = () => Date.now()): ClientCache {
  const known = new Map<ClientId, Kept<Client>>();
  const unknown = new Map<ClientId, Kept<null>>();
  const secrets = new Map<string, Kept<ClientId>>();
  let changes = 0;
  const live = <Key, Value>(map: Map<Key, Kept<Value>>, key: Key): Value | undefined => {
    const kept = map.get(key);
    return kept !== undefined && now() < kept.until ? kept.value : undefined;
  };

  return {
    get: (id) => live(known, id) ?? live(unknown, id),
    ofSecret: (hash) => live(secrets, hash),
    mark: () => changes,
    keep(mark, id, client) {
      if (mark !== changes) return;
      if (client === undefined) put(unknown, UNKNOWN_LIMIT, id, { value: null, until: now() + UNKNOWN_FOR });
      else put(known, KNOWN_LIMIT, id, { value: client, until: now() + KNOWN_FOR });
    },
    keepSecret(mark, hash, id, until) {
      if (mark !== changes) return;
      put(secrets, KNOWN_LIMIT, hash, { value: id, until: Math.min(until, now() + KNOWN_FOR) });
    },
    drop(id) {
      changes += 1;
      known.delete(id);
      unknown.delete(id);
      for (const [hash, kept] of secrets) if (kept.value === id) secrets.delete(hash);
    },
  };
}
