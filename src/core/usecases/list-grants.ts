import type { GrantId, UserId } from "../ids.ts";
import type { GrantListing } from "../messages.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";

/** The grants of an id as they are listed; one that has just ended by itself may still be among them. `unknown_user` when there is neither. */
export async function listGrants(
  powers: Pick<Services, "users" | "records">,
  userId: UserId,
  after: GrantId | undefined,
): Promise<Result<Page<GrantListing>, RefusalOf<"unknown_user">>> {
  const size = PAGE_SIZE + 1;
  const [user, grants] = await Promise.all([
    powers.users.byId(userId, ANY_REALM),
    powers.records.grantsOfUser(userId, after === undefined ? { size } : { after, size }),
  ]);
  if (user === undefined && grants.length === 0) return no({ code: "unknown_user" });
  return ok(pageOf(grants, (grant) => grant.id));
}
