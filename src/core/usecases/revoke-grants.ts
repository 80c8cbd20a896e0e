import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Requester } from "./audit-event.ts";
import { endGrants } from "./end-grants.ts";

type Powers = Pick<Services, "users" | "rooms" | "records" | "events" | "clock" | "chance">;

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
