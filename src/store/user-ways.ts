import { asc, desc, eq, type SQL, sql } from "drizzle-orm";
import type { Users, UserWithWays } from "../core/ports/users.ts";
import type { NameView } from "../core/user/name-view.ts";
import type { Store } from "./database.ts";
import { toDevice } from "./devices.ts";
import { kept, type Places, type Values } from "./kept.ts";
import { calledBy, namersFor } from "./names.ts";
import { present } from "./rows.ts";
import { authenticators, devices, identifiers, users } from "./schema.ts";
import { numbered, placesFor } from "./user-queries.ts";
import { toRecord } from "./user-rows.ts";

/** Each statement of the batch finds the user by itself: a join would give their names and their devices together, and mix up both. */
function whoAt(db: Store, at: Places<Values>, shape: number): SQL {
  if (shape > 0) return sql`(${calledBy(db, at("realm"), at("externalId"), placesFor(at, "owner", shape))})`;
  const isWithin = sql`${users.id} = ${at("id")} and ${users.realm} = ${at("realm")}`;
  return sql`(${db.select({ id: users.id }).from(users).where(isWithin)})`;
}

const userOf = kept((db, at: Places<Values>, shape: number) =>
  db
    .select()
    .from(users)
    .where(eq(users.id, whoAt(db, at, shape))),
);

const namesOf = kept((db, at: Places<Values>, shape: number) =>
  db
    .select()
    .from(identifiers)
    .where(eq(identifiers.userId, whoAt(db, at, shape)))
    .orderBy(asc(identifiers.kind), asc(identifiers.normal)),
);

const devicesOf = kept((db, at: Places<Values>, shape: number) =>
  db
    .select()
    .from(devices)
    .where(eq(devices.userId, whoAt(db, at, shape)))
    .orderBy(desc(devices.enrolledAt), desc(devices.id)),
);

const waysOf = kept((db, at: Places<Values>, shape: number) =>
  db
    .select()
    .from(authenticators)
    .where(eq(authenticators.userId, whoAt(db, at, shape)))
    .orderBy(asc(authenticators.createdAt), asc(authenticators.id)),
);

/** The user whom a client's backend names, with all that they have enrolled or once had: one batch. */
export async function userWithWays(
  db: Store,
  view: NameView,
  name: Parameters<Users["withWays"]>[1],
): Promise<UserWithWays | undefined> {
  const owners = "id" in name ? [] : namersFor(view);
  const values = { realm: view.realm, ...name, ...numbered("owner", owners) };
  const shape = owners.length;
  const [found, named, owned, ways] = await db.batch([
    userOf(db, values, shape),
    namesOf(db, values, shape),
    devicesOf(db, values, shape),
    waysOf(db, values, shape),
  ]);
  const record = toRecord(found, named);
  return record && { record, devices: owned.map(toDevice), ways: ways.map(present) };
}
