import type { UserId } from "../ids.ts";
import { type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { readIdentifier } from "../user/identifier.ts";
import { type IdentifierKind, isTrusted } from "../user/user.ts";

export type UsersAsked = {
  /** Names that the user must have, all of them. */
  readonly names: Partial<Readonly<Record<IdentifierKind, string>>>;
  /** The one user who is meant, whatever the names. */
  readonly only?: UserId | undefined;
  /** Where the page before ended. */
  readonly after?: UserId | undefined;
  readonly size: number;
};

/**
 * Users of the deployment by what their backend knows of them, or all of them in the order of their ids. A name that an anonymous call
 * gave finds nobody (settled question 23).
 */
export async function queryUsers(
  powers: Pick<Services, "users">,
  { names, only, after, size }: UsersAsked,
): Promise<Page<UserRecord>> {
  const given = Object.entries(names) as [IdentifierKind, string][];
  if (only === undefined && given.length === 0) {
    return pageOf(await powers.users.page(after, size + 1), (record) => record.user.id, size);
  }
  const found = only === undefined ? await named(powers, given) : await powers.users.byId(only);
  const fits = found !== undefined && given.every(([kind, text]) => goesBy(found, kind, text));
  return { rows: fits ? [found] : [] };
}

/** Whatever a backend calls a username is one, though it may look like an address. */
function nameOf(kind: IdentifierKind, text: string) {
  const read = readIdentifier(text);
  if (kind === "username") return read && { ...read, kind, normal: read.value.normalize("NFC") };
  return read?.kind === kind ? read : undefined;
}

async function named(
  { users }: Pick<Services, "users">,
  [first]: readonly [IdentifierKind, string][],
): Promise<UserRecord | undefined> {
  const name = first && nameOf(...first);
  return name && (await users.byIdentifier(name));
}

function goesBy({ identifiers }: UserRecord, kind: IdentifierKind, text: string): boolean {
  const name = nameOf(kind, text);
  return identifiers.some((own) => own.kind === kind && own.normal === name?.normal && isTrusted(own));
}
