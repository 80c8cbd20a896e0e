import { auditEvent, type Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { NotActive } from "../../../core/ports/standing.ts";
import type { UserRecord, WrittenUser } from "../../../core/ports/users.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Authenticator } from "../../../core/user/authenticator.ts";
import { numberNote, type ReadIdentifier, reachableForm } from "../../../core/user/identifier.ts";
import { isSeenBy, viewOf } from "../../../core/user/name-view.ts";
import type { AssertedBy, Identifier } from "../../../core/user/user.ts";
import { endDisplaced, isOf, isShared, weakerHoldersOf } from "../../../core/user/weaker-holders.ts";
import { authenticatorIdOf } from "./standing-address.ts";

export type VerifiedAddress = {
  readonly user: UserRecord;
  /** An e-mail address or a phone number, proven to whoever asks. */
  readonly identifier: ReadIdentifier;
  readonly client: Client;
  /** `proof` when the code came back here, `client` when a backend says that it has seen it. */
  readonly assertedBy: Extract<AssertedBy, "proof" | "client">;
  readonly by: Requester;
  /** Only while the user has nothing else enrolled. */
  readonly onlyFirst?: boolean;
};

export type EnrolledAddress = {
  readonly user: UserRecord;
  readonly authenticator: Authenticator;
  /** False when it was enrolled before: nothing was written or put on record. */
  readonly isNew: boolean;
};

type Powers = Pick<Services, "users" | "authenticators" | "handles" | "clock" | "chance" | "events">;
type Refused = RefusalOf<"user_exists" | "enrolment_closed"> | NotActive;

/**
 * Makes a proven address a user's own, and a way to meet actions. It joins what the user has. One that an anonymous call had claimed, or
 * that this client's backend had merely named for somebody, passes to whoever proves it, and the sessions of who had it end. A backend's word is
 * kept for its client alone. The same address again is the same authenticator. Refused: `user_locked`,
 * `user_exists` for an address that is another user's, `enrolment_closed` when it had to be the first and is not.
 */
export async function enrolVerifiedAddress(
  powers: Powers,
  asked: VerifiedAddress,
): Promise<Result<EnrolledAddress, Refused>> {
  if (asked.user.user.status === "locked") return no({ code: "user_locked" });
  // Before anything is written: a page that polls asks for another user's address again and again.
  const { client, user: person, identifier, assertedBy } = asked;
  const claimers = await weakerHoldersOf(powers, client, person, identifier, assertedBy);
  if (!claimers.ok) return claimers;
  const { row, event } = await rowOf(powers, asked);
  const { userId, id } = row;
  const first = asked.onlyFirst ? await powers.authenticators.enrolFirst(row, event, client.id) : undefined;
  if (first && !first.ok) return first;
  await endDisplaced(powers, claimers.value, asked.by);
  const given = await give(powers, asked);
  if (!given.ok) {
    if (first?.value === "enrolled") await powers.authenticators.forget(userId, id);
    return given;
  }
  const user = given.value;
  // Who has claimed it since they were read.
  const later = given.value.displaced?.filter((id) => !claimers.value.includes(id)) ?? [];
  await endDisplaced(powers, later, asked.by);
  const enrolled = first ?? (await powers.authenticators.enrol(row, event, client.id));
  if (!enrolled.ok) return enrolled;
  const isNew = enrolled.value === "enrolled";
  if (isNew) return ok({ user, authenticator: row, isNew });
  const standing = await powers.authenticators.find(userId, id);
  return ok({ user, authenticator: standing ?? row, isNew });
}

async function rowOf(powers: Powers, asked: VerifiedAddress) {
  const { identifier, assertedBy, client, by } = asked;
  const userId = asked.user.user.id;
  const id = await authenticatorIdOf(powers, client, userId, identifier);
  const now = powers.clock.now();
  const row: Authenticator = {
    userId,
    id,
    kind: identifier.kind === "email" ? "email" : "sms",
    identifier: identifier.normal,
    createdAt: now,
    verifiedAt: now,
    clientId: client.id,
  };
  const event = auditEvent(powers, {
    type: "authenticator.enrolled",
    userId,
    clientId: client.id,
    reason: assertedBy === "proof" ? "code" : "client_word",
    data: { authenticator_id: id, kind: row.kind },
    ...by,
  });
  return { row, event };
}

/** The user with this address among their own: proven, or vouched for by this client's backend. */
async function give(powers: Powers, asked: VerifiedAddress): Promise<Result<WrittenUser, Refused>> {
  const { user, identifier, assertedBy, client } = asked;
  if (isShared(client, identifier)) return await giveNote(powers, asked);
  const isThis = isOf(identifier);
  const view = viewOf(client);
  const isEnough = (own: Identifier) =>
    assertedBy === "proof" ? own.verifiedAt !== undefined : isSeenBy(view, own);
  if (user.identifiers.some((own) => isThis(own) && isEnough(own))) return ok(user);
  const now = powers.clock.now();
  const seen = assertedBy === "proof" ? { verifiedAt: now } : { vouchedAt: now };
  const added = { ...identifier, assertedBy, client: client.id, ...seen };
  return await powers.users.update(user.user, { added, takesFrom: client.id }, now);
}

/** A number that others may have too is this client's word of the user, and proves nothing to anybody else. */
async function giveNote(powers: Powers, asked: VerifiedAddress): Promise<Result<UserRecord, Refused>> {
  const { user, identifier, client } = asked;
  const isKnown = (own: Identifier) =>
    own.kind === identifier.kind && reachableForm(own) === identifier.normal && isSeenBy(viewOf(client), own);
  const note = numberNote(identifier.normal, user.user.externalId ?? user.user.id);
  if (!note || user.identifiers.some(isKnown)) return ok(user);
  const now = powers.clock.now();
  const added = { ...note, assertedBy: "client", client: client.id, vouchedAt: now } as const;
  return await powers.users.update(user.user, { added }, now);
}
