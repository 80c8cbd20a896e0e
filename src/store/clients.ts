import { and, asc, eq, gt, or, sql } from "drizzle-orm";
import type { SQLiteUpdateSetSource } from "drizzle-orm/sqlite-core";
import type { Client } from "../core/client/client.ts";
import type { ClientId } from "../core/ids.ts";
import type { Clients } from "../core/ports/clients.ts";
import type { Instant } from "../core/time.ts";
import type { ClientCache } from "./client-cache.ts";
import { type Store, sheltered } from "./database.ts";
import { present } from "./rows.ts";
import { clients } from "./schema.ts";

// Everything but the secrets, which never leave this room with the client.
const CLIENT = {
  id: clients.id,
  name: clients.name,
  kind: clients.kind,
  realm: clients.realm,
  redirectUris: clients.redirectUris,
  allowedOrigins: clients.allowedOrigins,
  grantTypes: clients.grantTypes,
  publicKeys: clients.publicKeys,
  webhookUrl: clients.webhookUrl,
  notificationEndpoint: clients.notificationEndpoint,
  settings: clients.settings,
  disabledAt: clients.disabledAt,
  createdAt: clients.createdAt,
  updatedAt: clients.updatedAt,
};

type ChangeSet = SQLiteUpdateSetSource<typeof clients>;

type Reads = Pick<Clients, "find" | "fresh" | "findBySecret" | "secretsOf">;

/** The reads; what they see of a client is remembered, its sealed secrets never are. */
function makeReads(db: Store, cache: ClientCache): Reads {
  async function fresh(id: ClientId): Promise<Client | undefined> {
    const mark = cache.mark();
    const client = (await db.select(CLIENT).from(clients).where(eq(clients.id, id))).map(present)[0];
    cache.keep(mark, id, client);
    return client;
  }

  async function find(id: ClientId): Promise<Client | undefined> {
    const kept = cache.get(id);
    return kept === undefined ? await fresh(id) : (kept ?? undefined);
  }

  async function findBySecret(hash: string, now: Instant): Promise<Client | undefined> {
    const id = cache.ofSecret(hash);
    if (id !== undefined) return await find(id);
    const mark = cache.mark();
    const isOld = and(eq(clients.oldSecretHash, hash), gt(clients.oldSecretUntil, now));
    const [row] = await db
      .select({ ...CLIENT, secretHash: clients.secretHash, oldSecretUntil: clients.oldSecretUntil })
      .from(clients)
      .where(or(eq(clients.secretHash, hash), isOld));
    if (row === undefined) return undefined;
    const { secretHash, oldSecretUntil, ...rest } = row;
    const client = present(rest);
    cache.keep(mark, client.id, client);
    cache.keepSecret(mark, hash, client.id, secretHash === hash ? Infinity : (oldSecretUntil ?? 0));
    return client;
  }

  async function secretsOf(id: ClientId, now: Instant): Promise<readonly string[]> {
    const [row] = await db
      .select({ new: clients.secretSealed, old: clients.oldSecretSealed, oldUntil: clients.oldSecretUntil })
      .from(clients)
      .where(eq(clients.id, id));
    if (row === undefined) return [];
    const old = row.oldUntil !== null && now < row.oldUntil ? row.old : null;
    return [row.new, old].filter((sealed) => sealed !== null);
  }

  return { find, fresh, findBySecret, secretsOf };
}

/** Clients over D1, remembered per isolate by `cache`. A change made here is seen here at once, elsewhere within 30 s. */
export function makeClients(db: Store, cache: ClientCache): Clients {
  async function change(id: ClientId, set: ChangeSet, now: Instant): Promise<Client | undefined> {
    const written = db
      .update(clients)
      .set({ ...set, updatedAt: now })
      .where(eq(clients.id, id));
    const rows = await written.returning(CLIENT);
    cache.drop(id);
    return rows.map(present)[0];
  }

  return sheltered<Clients>({
    ...makeReads(db, cache),

    async insert(client, secret, now) {
      const kept = { secretHash: secret?.hash ?? null, secretSealed: secret?.sealed ?? null };
      const written = await db
        .insert(clients)
        .values({ ...client, ...kept, createdAt: now, updatedAt: now })
        .onConflictDoNothing({ target: clients.id })
        .returning({ id: clients.id });
      cache.drop(client.id);
      return written.length === 1;
    },

    update: change,

    // Disabling again keeps the first instant.
    disable: (id, now) => change(id, { disabledAt: sql`coalesce(${clients.disabledAt}, ${now})` }, now),

    async replaceSecret(id, secret, oldUntil, now) {
      const set: ChangeSet = {
        secretHash: secret.hash,
        secretSealed: secret.sealed,
        oldSecretHash: sql`${clients.secretHash}`,
        oldSecretSealed: sql`${clients.secretSealed}`,
        oldSecretUntil: oldUntil,
      };
      return (await change(id, set, now)) !== undefined;
    },

    async page(after, size) {
      const rows = await db
        .select(CLIENT)
        .from(clients)
        .where(after === undefined ? undefined : gt(clients.id, after))
        .orderBy(asc(clients.id))
        .limit(size);
      return rows.map(present);
    },
  });
}
