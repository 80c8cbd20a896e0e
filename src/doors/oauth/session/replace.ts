import { grantListing } from "../../../core/challenge/record.ts";
import { endGrant, endSession } from "../../../core/grant/end.ts";
import type { Grant } from "../../../core/grant/state.ts";
import type { Services } from "../../../core/ports/services.ts";

/**
 * A browser has one session in a realm. When its person signs in again, what they had approved there is the new session's, so that signing
 * out reaches all of it. When somebody else signs in, the session before is signed out.
 */
export async function replaceSession(
  powers: Services,
  before: Grant,
  now: Grant,
  ip: string | undefined,
): Promise<void> {
  const by = { actor: `user:${now.userId}`, reason: "session_replaced", ip };
  if (before.userId !== now.userId) return await endSession(powers, grantListing(before), by);
  await powers.records.moveGrants(now.userId, before.id, now.id);
  await endGrant(powers, grantListing(before), by);
}
