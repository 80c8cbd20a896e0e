import { auditEvent, type Requester, recordEvent } from "../audit/record.ts";
import { endInFlight } from "../challenge/end-in-flight.ts";
import { endCodes } from "../code/user-code.ts";
import { endGrants } from "../grant/end.ts";
import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { NotActive } from "../ports/standing.ts";
import { ANY_REALM, type GivenIdentifier, type Only, type UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Instant } from "../time.ts";
import type { ReadIdentifier } from "./identifier.ts";
import type { IdentifierKind, UserStatus } from "./user.ts";
import { endDisplaced, isOf } from "./weaker-holders.ts";

/** What is to change; null takes a name away. An identifier takes the place of those of its kind. */
export type UserPatch = {
  readonly status?: UserStatus;
  readonly externalId?: string | null;
  readonly identifiers: Partial<Readonly<Record<IdentifierKind, ReadIdentifier | null>>>;
  /** The addresses of this call count as proven, on the operator's word. */
  readonly verified?: boolean;
  /** Only while their last end is still this one: nobody has locked them since. */
  readonly since?: Instant;
  /** Only while this holds; refused like an unknown user otherwise. */
  readonly only?: Only;
};

type Powers = Pick<Services, "users"> &
  Parameters<typeof endGrants>[0] &
  Parameters<typeof endCodes>[0] &
  Parameters<typeof endInFlight>[0];

/**
 * Changes a user. Locking ends the user's grants, since a refresh looks up nothing and a grant left alive would outlast the lock, and
 * whatever is under way for them: challenges, prompts, codes.
 * Refused: an unknown user, a name that is another's, and leaving the user without any identifier.
 */
export async function updateUser(
  powers: Powers,
  id: UserId,
  patch: UserPatch,
  by: Requester,
): Promise<Result<UserRecord, RefusalOf<"user_exists" | "not_allowed"> | NotActive>> {
  const present = await powers.users.byId(id, ANY_REALM);
  if (present === undefined) return no({ code: "unknown_user" });
  const { status, externalId, since, only } = patch;
  const renames = Object.keys(patch.identifiers).length > 0;
  const now = powers.clock.now();
  const identifiers = identifiersAfter(present, patch, now);
  if (renames && identifiers.length === 0) {
    return no({ code: "not_allowed", detail: "a user needs at least one identifier" });
  }
  const event = auditEvent(powers, {
    type: statusEvent(status, present.user.status),
    userId: id,
    data: { changed: changedOf(patch) },
    ...by,
  });
  const change = {
    ...(status === undefined ? {} : { status }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(since === undefined ? {} : { since }),
    ...(only === undefined ? {} : { only }),
    ...(renames ? { identifiers: { of: "operator", given: identifiers } as const } : {}),
  };
  const changed = await powers.users.update(present.user, change, event.at);
  if (!changed.ok) return changed;
  if (status !== undefined && changed.value.user.status !== status) {
    return no({ code: "not_allowed", detail: "somebody has locked the user meanwhile" });
  }
  await recordEvent(powers, event);
  await endDisplaced(powers, changed.value.displaced ?? [], by);
  if (status === "locked") {
    await endGrants(powers, { userId: id, reason: "user_locked", ...by });
    await endInFlight(powers, { userId: id, reason: "user_locked", ...by });
    await endCodes(powers, { userId: id, by: by.actor, ip: by.ip });
  }
  return ok(changed.value);
}

/** A lock on top of a lock is one more: whoever put it there is asked, too, before it is undone. */
const statusEvent = (status: UserStatus | undefined, present: UserStatus): string =>
  status === "locked" || (status !== undefined && status !== present) ? `user.${status}` : "user.updated";

/** The whole list after the change; what was proven of a name that stays is the store's to keep. */
function identifiersAfter(
  { identifiers }: UserRecord,
  { identifiers: patch, verified }: UserPatch,
  now: Instant,
): readonly GivenIdentifier[] {
  const given = Object.values(patch).filter((identifier) => identifier !== null);
  const kept = identifiers.filter(({ kind }) => patch[kind] === undefined);
  return [
    ...kept,
    ...given.map((identifier) => {
      const known = identifiers.find((own) => isOf(identifier)(own))?.verifiedAt;
      const verifiedAt = known ?? (verified && identifier.kind !== "username" ? now : undefined);
      return {
        ...identifier,
        assertedBy: "admin" as const,
        ...(verifiedAt === undefined ? {} : { verifiedAt }),
      };
    }),
  ];
}

const changedOf = (patch: UserPatch): string[] => [
  ...(patch.status === undefined ? [] : ["status"]),
  ...(patch.externalId === undefined ? [] : ["external_id"]),
  ...(patch.verified ? ["verified"] : []),
  ...Object.keys(patch.identifiers),
];
