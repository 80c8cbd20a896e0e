import type { Services } from "../ports/services.ts";
import type { NewUser, UserRecord } from "../ports/users.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { readIdentifier } from "../user/identifier.ts";
import type { IdentifierKind } from "../user/user.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { claimerOf, endClaim } from "./claimed-name.ts";

/** A name as a backend gives it: null takes it away, `verified` says that the backend has seen a proof. */
export type GivenName = {
  readonly value?: string | null | undefined;
  readonly verified?: boolean | undefined;
};
export type GivenNames = Partial<Readonly<Record<IdentifierKind, GivenName>>>;

type Powers = Pick<Services, "users" | "clock" | "chance" | "events">;
type Refused = RefusalOf<"malformed" | "user_exists" | "unknown_user">;
type Row = NewUser["identifiers"][number];

/**
 * Writes what a client's backend says of a user's names; what it does not mention stays, and a new one takes the place of those of its
 * kind. A proven one passes from whoever had merely claimed it, whose sessions end. Refused: a text that is no such name, and one that is another user's.
 */
export async function giveNames(
  powers: Powers,
  record: UserRecord,
  given: GivenNames,
  by: Requester,
): Promise<Result<UserRecord, Refused>> {
  const now = powers.clock.now();
  const named = rowsOf(record.identifiers, given, now);
  if (!named.ok) return named;
  const rows = named.value;
  if (isSame(record, rows)) return ok(record);
  for (const row of rows.filter(({ verifiedAt }) => verifiedAt !== undefined)) {
    const claimer = await claimerOf(powers, record, row, "client");
    if (!claimer.ok) return claimer;
    if (claimer.value) await endClaim(powers, claimer.value, by);
  }
  const { id } = record.user;
  const data = { changed: Object.keys(given) };
  const event = auditEvent(powers, { type: "user.updated", userId: id, data, ...by });
  return await powers.users.update(id, { identifiers: rows }, now, event);
}

/** What somebody who has `present` is called then. */
export function rowsOf(
  present: UserRecord["identifiers"],
  given: GivenNames,
  now: number,
): Result<readonly Row[], RefusalOf<"malformed">> {
  const rows: Row[] = [];
  for (const kind of ["email", "phone", "username"] as const) {
    const row = rowOf(present, kind, given[kind], now);
    if (!row.ok) return row;
    rows.push(...row.value);
  }
  return ok(rows);
}

function rowOf(
  known: UserRecord["identifiers"],
  kind: IdentifierKind,
  name: GivenName | undefined,
  now: number,
): Result<readonly Row[], RefusalOf<"malformed">> {
  const present = known.filter((identifier) => identifier.kind === kind);
  const seen = name?.verified === true ? { verifiedAt: now } : {};
  if (name?.value === undefined) return ok(present.map((row) => ({ ...seen, ...row })));
  if (name.value === null) return ok([]);
  const read = readIdentifier(name.value);
  // Whatever a backend calls a username is one, though it may look like an address.
  const fits = kind === "username" ? read && { ...read, kind, normal: read.value.normalize("NFC") } : read;
  if (fits?.kind !== kind) return no({ code: "malformed", detail: kind });
  const same = present.find(({ normal }) => normal === fits.normal);
  if (!same) return ok([{ ...fits, assertedBy: "client", ...seen }]);
  // They have it already: nothing says that their others are theirs no more.
  return ok(present.map((row) => (row === same ? { ...seen, ...row } : row)));
}

const isSame = ({ identifiers }: UserRecord, rows: readonly Row[]): boolean =>
  identifiers.length === rows.length &&
  rows.every((row) =>
    identifiers.some(
      (known) =>
        known.kind === row.kind && known.normal === row.normal && known.verifiedAt === row.verifiedAt,
    ),
  );
