import type { Requester } from "../audit/record.ts";
import { grantListing } from "../challenge/record.ts";
import type { GrantId, UserId } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { endGrants, endSession } from "./end.ts";

const ADMIN = "admin_revoked";

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

/** Who ends it and why; the operator when nothing is said. */
type By = Requester & { readonly reason?: string };

/**
 * Ends one signed-in session: its refresh token works no more, and neither do those of what was approved there. One that D1 does not list is
 * looked for in its object. Refused as `unknown_grant` when it is not one of this user's.
 */
export async function revokeGrant(
  powers: Parameters<typeof endSession>[0],
  userId: UserId,
  grantId: GrantId,
  by: By,
): Promise<Result<undefined, RefusalOf<"unknown_grant">>> {
  const listing = (await powers.records.grant(userId, grantId)) ?? (await unlisted(powers, userId, grantId));
  if (listing === undefined) return no({ code: "unknown_grant" });
  await endSession(powers, listing, { reason: ADMIN, ...by });
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

type Powers = Pick<Services, "users"> & Parameters<typeof endGrants>[0];

/**
 * Signs a user out everywhere, also from what is under way. `more` when the list was long and the queue ends the rest. An id whose user is gone
 * may have grants still; `unknown_user` when it has neither.
 */
export async function revokeGrants(
  powers: Powers,
  userId: UserId,
  by: By,
): Promise<Result<{ readonly ended: number; readonly more: boolean }, RefusalOf<"unknown_user">>> {
  const isUser = await powers.users.end(userId, powers.clock.now());
  const done = await endGrants(powers, { userId, reason: ADMIN, ...by });
  return isUser || done.ended > 0 ? ok(done) : no({ code: "unknown_user" });
}
