import type { ClientId } from "../ids.ts";
import type { Instant } from "../time.ts";

/** One nonce of a client's signed token: what is kept is its hash, for as long as the token would be taken. */
export type NonceUse = {
  readonly clientId: ClientId;
  readonly hash: string;
  /** Digest of the one request that may come again with this nonce; absent: none may. */
  readonly use?: string;
  readonly expiresAt: Instant;
};

/**
 * Nonces that clients have used. Spending is one insert, guarded by the primary key: of any number at once one is taken, and a
 * batch that holds it writes nothing when it is not (settled question 25).
 */
export type Nonces = {
  /** False when it was spent before, for anything else than the same `use`. */
  spend(nonce: NonceUse): Promise<boolean>;
  /** Deletes what is over, at most `size` rows; answers how many. */
  purge(now: Instant, size: number): Promise<number>;
};
