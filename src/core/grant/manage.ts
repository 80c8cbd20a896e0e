import type { Requester } from "../audit/record.ts";
import { grantListing } from "../challenge/record.ts";
import type { GrantId, UserId } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { endGrant, endGrants } from "./end.ts";

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

/**
 * Ends one signed-in session: its refresh token works no more. One that D1 does not list is looked for in its object. Refused as
 * `unknown_grant` when it is not one of this user's.
 */
export async function revokeGrant(
  powers: Pick<Services, "challenges" | "records" | "clock" | "chance">,
  userId: UserId,
  grantId: GrantId,
  by: Requester,
): Promise<Result<undefined, RefusalOf<"unknown_grant">>> {
  const listing = (await powers.records.grant(userId, grantId)) ?? (await unlisted(powers, userId, grantId));
  if (listing === undefined) return no({ code: "unknown_grant" });
  await endGrant(powers, listing, { ...by, reason: "admin_revoked" });
  return ok(undefined);
}

async function unlisted(
  { challenges }: Pick<Services, "challenges">,
  userId: UserId,
  grantId: GrantId,
): Promise<GrantListing | undefined> {
  const own = challenges.parse(grantId);
  const grant = own && (await challenges.read(own))?.grant;
  return grant?.userId === userId && !grant.ended ? grantListing(grant) : undefined;
}

type Powers = Pick<Services, "users" | "challenges" | "records" | "events" | "clock" | "chance">;

/**
 * Signs a user out everywhere, also from what is under way. `more` when the list was long and the queue ends the rest. An id whose user is gone
 * may have grants still; `unknown_user` when it has neither.
 */
export async function revokeGrants(
  powers: Powers,
  userId: UserId,
  by: Requester,
): Promise<Result<{ readonly ended: number; readonly more: boolean }, RefusalOf<"unknown_user">>> {
  const isUser = await powers.users.end(userId, powers.clock.now());
  const done = await endGrants(powers, { userId, reason: "admin_revoked", ...by });
  return isUser || done.ended > 0 ? ok(done) : no({ code: "unknown_user" });
}
