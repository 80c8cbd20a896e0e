import { type SQL, sql } from "drizzle-orm";
import type { ClientId } from "../core/ids.ts";
import type { NewUser, Users, WrittenUser } from "../core/ports/users.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import type { Identifier, User } from "../core/user/user.ts";
import { recordWhere } from "./audit.ts";
import { commit, type Store } from "./database.ts";
import { toRow as deviceRow } from "./enrolments.ts";
import { disabled, hasUser, verdict } from "./guards.ts";
import { displacedIn, giveIdentifiers, idOfText, meaningOf } from "./names.ts";
import { type Owner, ownerOf } from "./owners.ts";
import { rowWhere } from "./rows.ts";
import { devices, grants, users } from "./schema.ts";

/** What the column that stood in the way says of a user's names. */
export function clash(column: string): RefusalOf<"user_exists"> {
  if (column.startsWith("identifiers.")) return { code: "user_exists", field: "identifier" };
  return { code: "user_exists", field: column === "users.id" ? "id" : "external_id" };
}

/** The clients by whose word a user is made; none of them may be disabled. */
function giversOf({ client, identifiers: given }: NewUser): readonly ClientId[] {
  const givers = [client, ...given.map((identifier) => identifier.client)];
  return [...new Set(givers.filter((giver) => giver !== undefined))];
}

/** Whether one of the names leads to somebody already, in the view in which it must not. */
function takenIn(db: Store, { unnamedIn, externalId, identifiers: given }: NewUser): SQL {
  if (!unnamedIn) return sql`false`;
  const names = [...given.map(({ value }) => value), ...(externalId === undefined ? [] : [externalId])];
  const led = names.map((name) => sql`${idOfText(db, meaningOf(unnamedIn, name))} is not null`);
  return led.length === 0 ? sql`false` : sql`(${sql.join(led, sql` or `)})`;
}

/** The statements that make a user, only while nobody by whose word it is made is disabled, and what the user is then. */
function born(db: Store, newUser: NewUser, now: number) {
  const { identifiers: given, assertedBy = "admin", client, unnamedIn, ...name } = newUser;
  const isDisabled = giversOf(newUser).map((giver) => disabled(db, giver));
  const barred = isDisabled.length === 0 ? sql`false` : sql`(${sql.join(isDisabled, sql` or `)})`;
  const isTaken = takenIn(db, newUser);
  const by =
    name.externalId === undefined
      ? {}
      : { externalAssertedBy: assertedBy, ...(client === undefined ? {} : { externalClient: client }) };
  const user: User = { ...name, ...by, status: "active", createdAt: now, updatedAt: now };
  const owner: { externalOwner?: Owner } =
    name.externalId === undefined
      ? {}
      : { externalOwner: ownerOf({ assertedBy, ...(client === undefined ? {} : { client }) }) };
  // What follows in the batch is written if the user was: their own names are there by then.
  const guard = hasUser(db, user.id);
  const writing = { realm: user.realm, userId: user.id, now, guard };
  const statements = [
    verdict(db, sql`case when ${barred} then 'client_disabled' when ${isTaken} then 'user_exists' end`),
    db.insert(users).select(rowWhere(users, { ...user, ...owner }, sql`not ${barred} and not ${isTaken}`)),
    ...giveIdentifiers(db, writing, given),
  ] as const;
  return { user, guard, statements };
}

/** What a batch that begins with `born` answers. */
function bornIn(
  results: readonly unknown[],
  user: User,
  given: NewUser,
  now: number,
): Result<WrittenUser, RefusalOf<"client_disabled" | "user_exists">> {
  const [said] = results[0] as readonly { readonly obstacle: string | null }[];
  if (said?.obstacle === "user_exists") return no({ code: "user_exists", field: "identifier" });
  if (said?.obstacle) return no({ code: "client_disabled" });
  return ok({ user, identifiers: rowsOf(user, given, now), ...displacedIn(results, user.id) });
}

const rowsOf = ({ id }: User, { identifiers: given }: NewUser, now: number): readonly Identifier[] =>
  given.map((identifier) => ({ ...identifier, userId: id, createdAt: now }));

/** The ways in which a user comes to be: each is one batch. */
export function makeNewUsers(db: Store): Pick<Users, "insert" | "insertWithDevice"> {
  return {
    async insert(given, event, now) {
      const { user, guard, statements } = born(db, given, now);
      const written = await commit(db, [...statements, recordWhere(db, event, guard)]);
      return written.ok ? bornIn(written.value, user, given, now) : no(clash(written.error));
    },

    async insertWithDevice(given, device, events, now, grant) {
      const { user, guard, statements } = born(db, given, now);
      const listing =
        grant === undefined
          ? []
          : [
              db
                .insert(grants)
                .select(rowWhere(grants, grant, guard))
                .onConflictDoNothing(),
            ];
      const written = await commit(db, [
        ...statements,
        db.insert(devices).select(rowWhere(devices, deviceRow(device), guard)),
        ...events.map((event) => recordWhere(db, event, guard)),
        ...listing,
      ]);
      if (written.ok) return bornIn(written.value, user, given, now);
      return no(written.error.startsWith("devices.") ? { code: "device_exists" } : clash(written.error));
    },
  };
}
