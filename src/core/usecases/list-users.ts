import type { UserId } from "../ids.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { readIdentifier } from "../user/identifier.ts";

/** Which users to list: the one of a name, or everybody page by page. */
export type UserQuery =
  | { readonly identifier: string }
  | { readonly externalId: string }
  | { readonly after: UserId | undefined };

/** Users in the order of their ids; with a name, the one who has it or nobody. */
export async function listUsers(
  powers: Pick<Services, "users">,
  query: UserQuery,
): Promise<Page<UserRecord>> {
  if ("after" in query) {
    return pageOf(await powers.users.page(query.after, PAGE_SIZE + 1), (record) => record.user.id);
  }
  const found = await named(powers, query);
  return { rows: found === undefined ? [] : [found] };
}

async function named(
  { users }: Pick<Services, "users">,
  query: Exclude<UserQuery, { after: unknown }>,
): Promise<UserRecord | undefined> {
  if ("externalId" in query) return await users.byExternalId(query.externalId);
  const identifier = readIdentifier(query.identifier);
  return identifier === undefined ? undefined : await users.byIdentifier(identifier);
}
