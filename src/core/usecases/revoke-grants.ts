import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { ANY_REALM } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Requester } from "./audit-event.ts";
import { endGrants } from "./end-grants.ts";

type Powers = Pick<Services, "users" | "rooms" | "records" | "events" | "clock" | "chance">;

/** Signs a user out everywhere. `more` when the list was long and the queue ends the rest. */
export async function revokeGrants(
  powers: Powers,
  userId: UserId,
  by: Requester,
): Promise<Result<{ readonly ended: number; readonly more: boolean }, RefusalOf<"unknown_user">>> {
  if ((await powers.users.byId(userId, ANY_REALM)) === undefined) return no({ code: "unknown_user" });
  return ok(await endGrants(powers, { userId, reason: "admin_revoked", ...by }));
}
