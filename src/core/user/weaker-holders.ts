import type { Requester } from "../audit/record.ts";
import type { Client } from "../client/client.ts";
import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { TAKEN_OVER } from "./adopt.ts";
import type { ReadIdentifier } from "./identifier.ts";
import { isKnownTo, viewOf } from "./name-view.ts";
import type { Identifier } from "./user.ts";

/** Whether two spellings are one identifier. */
export const isOf = (identifier: ReadIdentifier) => (own: ReadIdentifier) =>
  own.kind === identifier.kind && own.normal === identifier.normal;

/** Whether this client lets several users have the identifier: then it is a way to reach each, and names none of them. */
export const isShared = (
  { settings }: Pick<Client, "settings">,
  { kind }: Pick<ReadIdentifier, "kind">,
): boolean => kind === "phone" && settings.shared_numbers === true;

/**
 * Who has this identifier by a weaker word than what is about to be written for the user, so that it passes on and their sessions end.
 * A proof takes it from anonymous callers and from whom this client's own backend had merely named; a backend's word takes it from
 * nobody. Refused: one that is another user's by a proof, by the operator, or as far as this client's backends know.
 */
export async function weakerHoldersOf(
  powers: Pick<Services, "users">,
  client: Client,
  { user, identifiers }: UserRecord,
  identifier: ReadIdentifier,
  word: "proof" | "client",
): Promise<Result<readonly UserId[], RefusalOf<"user_exists">>> {
  if (isShared(client, identifier)) return ok([]);
  const view = viewOf(client);
  const isThis = isOf(identifier);
  if (identifiers.some((own) => isThis(own) && own.verifiedAt !== undefined)) return ok([]);
  const rows = await powers.users.holdersOf(client.realm, identifier);
  const others = rows.filter(({ userId }) => userId !== user.id);
  const stands = others.some((row) => isKnownTo(view, row) && !(word === "proof" && isMereWord(row, client)));
  if (stands) return no({ code: "user_exists", field: "identifier" });
  if (word === "client") return ok([]);
  const passing = others.filter((row) => row.assertedBy === "anonymous" || isMereWord(row, client));
  return ok([...new Set(passing.map(({ userId }) => userId))]);
}

/** This client's backend passed it on, and did not say that it had seen a proof. */
const isMereWord = ({ assertedBy, client, verifiedAt, vouchedAt }: Identifier, { id }: Client): boolean =>
  assertedBy === "client" && client === id && verifiedAt === undefined && vouchedAt === undefined;

/**
 * The claimers' tokens speak of the identifier, so their sessions end (docs/decisions/0014); asked for before it passes on, and for who
 * claimed it meanwhile behind that.
 */
export async function endDisplaced(
  powers: Pick<Services, "events">,
  claimers: readonly UserId[],
  { actor }: Requester,
): Promise<void> {
  for (const userId of claimers) {
    await powers.events.send({ kind: "revoke_grants", userId, reason: TAKEN_OVER, actor });
  }
}
