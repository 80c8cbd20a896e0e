import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { type AssertedBy, type Identifier, isTrusted } from "../user/user.ts";
import { TAKEN_OVER } from "./adopt-identifier.ts";
import type { Requester } from "./audit-event.ts";

/** Whether two spellings are one identifier. */
export const isOf = (identifier: ReadIdentifier) => (own: ReadIdentifier) =>
  own.kind === identifier.kind && own.normal === identifier.normal;

/**
 * Whoever has this user's new and proven identifier by an anonymous call alone, so that it passes on (settled question 23); undefined
 * where nobody has. A proof takes it from whom a backend had merely named, too. Refused: one that is another user's.
 */
export async function claimerOf(
  powers: Pick<Services, "users">,
  user: UserRecord,
  identifier: ReadIdentifier,
  word: Extract<AssertedBy, "proof" | "client">,
): Promise<Result<UserRecord | undefined, RefusalOf<"user_exists">>> {
  const isThis = isOf(identifier);
  if (user.identifiers.some(isThis)) return ok(undefined);
  const holder = await powers.users.byIdentifier(identifier);
  if (!holder || holder.user.id === user.user.id) return ok(undefined);
  const isTheirs = holder.identifiers.some((own) => isThis(own) && holds(own, word));
  return isTheirs ? no({ code: "user_exists", field: "identifier" }) : ok(holder);
}

const holds = (own: Identifier, word: AssertedBy): boolean =>
  isTrusted(own) && !(word === "proof" && own.assertedBy === "client" && own.verifiedAt === undefined);

/** The claimer's tokens speak of the identifier, so their sessions end (docs/decisions/0014); asked for before it passes on. */
export const endClaim = (
  powers: Pick<Services, "events">,
  { user }: UserRecord,
  { actor }: Requester,
): Promise<void> => powers.events.send({ kind: "revoke_grants", userId: user.id, reason: TAKEN_OVER, actor });
