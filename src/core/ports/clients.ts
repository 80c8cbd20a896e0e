import type { Client } from "../client/client.ts";
import type { ClientId } from "../ids.ts";
import type { Instant } from "../time.ts";

/** Without a realm it is of the main one. */
export type NewClient = Omit<Client, "realm" | "open" | "createdAt" | "updatedAt" | "disabledAt"> &
  Partial<Pick<Client, "realm">>;

type Clearable = "webhookUrl" | "notificationEndpoint" | "disabledAt";

/** What changes of a client; null clears what is optional. */
export type ClientChange = Partial<
  Omit<Client, "id" | "realm" | "kind" | "open" | "createdAt" | "updatedAt" | Clearable>
> & {
  readonly [Member in Clearable]?: NonNullable<Client[Member]> | null;
};

/** A client secret as it is kept: keyed hash for checking, sealed text for signing webhooks. */
export type KeptSecret = { readonly hash: string; readonly sealed: string };

/**
 * Clients. `insert` answers false when the id is taken (primary key), never a half row. Reads are cached per isolate for at
 * most 30 s (settled question 31).
 */
export type Clients = {
  find(id: ClientId): Promise<Client | undefined>;
  /** The client as D1 holds it now, past every cache: for a change that builds on what is there. */
  fresh(id: ClientId): Promise<Client | undefined>;
  /** The client of a secret, its old one included until it ends. */
  findBySecret(hash: string, now: Instant): Promise<Client | undefined>;
  insert(client: NewClient, secret: KeptSecret | undefined, now: Instant): Promise<boolean>;
  update(id: ClientId, change: ClientChange, now: Instant): Promise<Client | undefined>;
  disable(id: ClientId, now: Instant): Promise<Client | undefined>;
  /** Replaces the secret; the present one works until `oldUntil`. */
  replaceSecret(id: ClientId, secret: KeptSecret, oldUntil: Instant, now: Instant): Promise<boolean>;
  /** The sealed secrets that work now, newest first: none, one, or two until the old one ends. Never from a cache. */
  secretsOf(id: ClientId, now: Instant): Promise<readonly string[]>;
  page(after: ClientId | undefined, size: number): Promise<readonly Client[]>;
};

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
