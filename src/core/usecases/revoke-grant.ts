import type { GrantId, UserId } from "../ids.ts";
import type { GrantListing } from "../messages.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Requester } from "./audit-event.ts";
import { endGrant } from "./end-grants.ts";
import { grantListing } from "./finished-event.ts";

/**
 * Ends one signed-in session: its refresh token works no more. One that D1 does not list is looked for in its object. Refused as
 * `unknown_grant` when it is not one of this user's.
 */
export async function revokeGrant(
  powers: Pick<Services, "rooms" | "records" | "clock" | "chance">,
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
  { rooms }: Pick<Services, "rooms">,
  userId: UserId,
  grantId: GrantId,
): Promise<GrantListing | undefined> {
  const own = rooms.parse(grantId);
  const grant = own && (await rooms.read(own))?.grant;
  return grant?.userId === userId && !grant.ended ? grantListing(grant) : undefined;
}
