import type { Client } from "../../../core/client/client.ts";
import type { UserId } from "../../../core/ids.ts";
import { type Page, pageOf } from "../../../core/page.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { readIdentifier, readUsername } from "../../../core/user/identifier.ts";
import { namesFor, viewOf } from "../../../core/user/name-view.ts";
import type { IdentifierKind } from "../../../core/user/user.ts";

export type UsersAsked = {
  readonly client: Client;
  /** Names that the user must have, all of them. */
  readonly names: Partial<Readonly<Record<IdentifierKind, string>>>;
  /** The one user who is meant, whatever the names. */
  readonly only?: UserId | undefined;
  /** Where the page before ended. */
  readonly after?: UserId | undefined;
  readonly size: number;
};

/**
 * Users by what their backend knows of them, or all whom it, a friend of it or the operator has a name for, in the order of their ids. A
 * backend that names users by our ids is told everybody of its realm. A name that an anonymous call gave finds nobody.
 */
export async function queryUsers(
  powers: Pick<Services, "users">,
  { client, names, only, after, size }: UsersAsked,
): Promise<Page<UserRecord>> {
  const { users } = powers;
  const given = Object.entries(names) as [IdentifierKind, string][];
  if (only === undefined && given.length === 0) {
    const found =
      client.settings.user_ids === "subject"
        ? await users.page(client.realm, after, size + 1)
        : await users.pageFor(viewOf(client), after, size + 1);
    return pageOf(found, (record) => record.user.id, size);
  }
  const found =
    only === undefined ? await named(powers, client, given) : await users.byId(only, client.realm);
  const fits = found !== undefined && given.every(([kind, text]) => goesBy(client, found, kind, text));
  return { rows: fits ? [found] : [] };
}

/** Whatever a backend calls a username is one, though it may look like an address. */
function nameOf(kind: IdentifierKind, text: string) {
  if (kind === "username") return readUsername(text);
  const read = readIdentifier(text);
  return read?.kind === kind ? read : undefined;
}

async function named(
  { users }: Pick<Services, "users">,
  client: Client,
  [first]: readonly [IdentifierKind, string][],
): Promise<UserRecord | undefined> {
  const name = first && nameOf(...first);
  return name && (await users.byIdentifier(viewOf(client), name, { first: "own" }));
}

function goesBy(client: Client, record: UserRecord, kind: IdentifierKind, text: string): boolean {
  const name = nameOf(kind, text);
  return namesFor(viewOf(client), record).some((own) => own.kind === kind && own.normal === name?.normal);
}
