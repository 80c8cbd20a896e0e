import { and, eq, exists, isNotNull, isNull, ne, not, or, type SQL, sql } from "drizzle-orm";
import type { ClientId, UserId } from "../core/ids.ts";
import type { Only } from "../core/ports/users.ts";
import type { Store } from "./database.ts";
import { authenticators, devices, grants, identifiers, users } from "./schema.ts";

/** Whether this holds of the user now; `core/user/belongs-to.ts` says the same of what was read. */
export const holds = (db: Store, id: UserId, only: Only): SQL =>
  only === "nameless" ? nameless(db, id) : nobodyElses(db, id, only.whollyOf);

function nameless(db: Store, id: UserId): SQL {
  const isCalled = and(eq(users.id, id), isNotNull(users.externalId));
  return sql`(not ${exists(db.select({ id: users.id }).from(users).where(isCalled))}
    and not ${exists(db.select({ id: identifiers.userId }).from(identifiers).where(eq(identifiers.userId, id)))})`;
}

/** Nobody but this client has named the user, or has a live device, an enrolled address or a session of theirs. */
function nobodyElses(db: Store, id: UserId, client: ClientId): SQL {
  const isOther = (column: typeof users.externalClient | typeof identifiers.client) =>
    or(isNull(column), ne(column, client));
  const isCalled = and(eq(users.id, id), isNotNull(users.externalId), isOther(users.externalClient));
  const isNamed = and(eq(identifiers.userId, id), isOther(identifiers.client));
  const isLive = and(eq(devices.userId, id), isNull(devices.revokedAt));
  const isLetIn = sql`coalesce(${devices.letInBy}, '') = ${client}`;
  const isEnrolled = and(
    eq(authenticators.userId, id),
    ne(authenticators.kind, "device"),
    isNotNull(authenticators.verifiedAt),
    or(isNull(authenticators.clientId), ne(authenticators.clientId, client)),
  );
  const others = [
    db.select({ id: users.id }).from(users).where(isCalled),
    db.select({ id: identifiers.userId }).from(identifiers).where(isNamed),
    db
      .select({ id: devices.id })
      .from(devices)
      .where(and(isLive, ne(devices.clientId, client), not(isLetIn))),
    db.select({ id: authenticators.id }).from(authenticators).where(isEnrolled),
    db
      .select({ id: grants.id })
      .from(grants)
      .where(and(eq(grants.userId, id), ne(grants.clientId, client))),
  ];
  const parts = others.map((other) => sql`not ${exists(other)}`);
  return sql`(${sql.join(parts, sql` and `)})`;
}
