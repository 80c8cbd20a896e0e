import type { StartRequest } from "../../../core/challenge/start.ts";
import type { Client } from "../../../core/client/client.ts";
import { newUserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { viewOf } from "../../../core/user/name-view.ts";

/**
 * Whom a stranger asks by this name. Somebody whom nobody knows, or who is locked, is a user whom nobody is: as much is done for them, and
 * how long it takes tells nothing (T09).
 */
export async function userOrDecoy(
  { users, chance }: Pick<Services, "users" | "chance">,
  client: Client,
  identifier: ReadIdentifier | undefined,
): Promise<NonNullable<StartRequest["user"]>> {
  const found = identifier && (await users.byIdentifier(viewOf(client), identifier, { first: "proven" }));
  const isAsked = found?.user.status === "active";
  return { id: isAsked ? found.user.id : newUserId(chance.uuid()), locked: false };
}
