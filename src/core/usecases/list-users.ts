import type { Realm, UserId } from "../ids.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM, type UserRecord } from "../ports/users.ts";
import { readIdentifier } from "../user/identifier.ts";

/** Which users to list: the one of a name, or everybody page by page. */
export type UserQuery = { readonly realm?: Realm | undefined } & (
  | { readonly identifier: string }
  | { readonly externalId: string }
  | { readonly after: UserId | undefined }
);

/** Users in the order of their ids, of one realm or of all; with a name, everybody who has it by anybody's word. */
export async function listUsers(
  powers: Pick<Services, "users">,
  query: UserQuery,
): Promise<Page<UserRecord>> {
  const { users } = powers;
  const within = query.realm ?? ANY_REALM;
  if ("after" in query) {
    return pageOf(await users.page(within, query.after, PAGE_SIZE + 1), (record) => record.user.id);
  }
  if ("externalId" in query) return { rows: await users.named(within, { externalId: query.externalId }) };
  const identifier = readIdentifier(query.identifier);
  return { rows: identifier === undefined ? [] : await users.named(within, { identifier }) };
}
