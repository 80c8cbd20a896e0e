import { newUserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { NewUser, UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { endClaims } from "./claimed-name.ts";

export type UserDraft = Pick<NewUser, "realm" | "externalId" | "identifiers">;

/**
 * Makes a user of the operator's word, or of a backend's: who gave a name is said with it. A verified one takes it from anonymous claimers,
 * whose sessions end. Refused: a name that is taken.
 */
export async function createUser(
  powers: Pick<Services, "users" | "events" | "clock" | "chance">,
  draft: UserDraft,
  by: Requester,
): Promise<Result<UserRecord, RefusalOf<"user_exists" | "client_disabled">>> {
  const id = newUserId(powers.chance.uuid());
  const event = auditEvent(powers, { type: "user.created", userId: id, ...by });
  const made = await powers.users.insert({ ...draft, id }, event, event.at);
  if (made.ok) await endClaims(powers, made.value.displaced ?? [], by);
  return made;
}
