import type { UserRecord } from "../core/ports/users.ts";
import type { Identifier, User } from "../core/user/user.ts";
import { present } from "./rows.ts";
import type { identifiers, users } from "./schema.ts";

export type UserRow = typeof users.$inferSelect;
export type IdentifierRow = typeof identifiers.$inferSelect;

/** A row as core knows it. */
export function toUser({ externalOwner: _, ...row }: UserRow): User {
  return present(row);
}

export function toIdentifier({ owner: _, realm: __, ...row }: IdentifierRow): Identifier {
  return present(row);
}

/** Of rows that a batch has read by themselves: the user, if there is one, with their names. */
export const toRecord = (
  [user]: readonly UserRow[],
  named: readonly IdentifierRow[],
): UserRecord | undefined => user && { user: toUser(user), identifiers: named.map(toIdentifier) };
