import { auditEvent, type Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { NotActive } from "../../../core/ports/standing.ts";
import type { GivenIdentifier, UserRecord } from "../../../core/ports/users.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import {
  numberNote,
  type ReadIdentifier,
  readIdentifier,
  readUsername,
} from "../../../core/user/identifier.ts";
import type { Identifier, IdentifierKind } from "../../../core/user/user.ts";
import { isOf, isShared } from "../../../core/user/weaker-holders.ts";

/** A name as a backend gives it: null takes it away, `verified` says that the backend has seen a proof. */
export type GivenName = {
  readonly value?: string | null | undefined;
  readonly verified?: boolean | undefined;
};
export type GivenNames = Partial<Readonly<Record<IdentifierKind, GivenName>>>;

type Powers = Pick<Services, "users" | "clock" | "chance">;
type Refused = RefusalOf<"malformed" | "user_exists"> | NotActive;

/**
 * Writes what a client's backend says of a user's names. It speaks of the names that it gave itself, or that were proven through it, and of
 * no other's; what it does not mention stays, and a new one takes the place of those of its kind. Its word proves nothing: `verified` is
 * kept for this client alone. Refused: a text that is no such name, one that is another user's, and a user who is locked.
 */
export async function giveNames(
  powers: Powers,
  client: Client,
  record: UserRecord,
  given: GivenNames,
  by: Requester,
): Promise<Result<UserRecord, Refused>> {
  const now = powers.clock.now();
  const own = record.identifiers.filter((one) => one.client === client.id && one.assertedBy !== "admin");
  const others = record.identifiers.filter((one) => !own.includes(one));
  const named = rowsOf({ client, name: record.user.externalId ?? record.user.id }, own, given, now);
  if (!named.ok) return named;
  // What somebody else's word gives them already needs no word of this client's, but for what it vouches for.
  const rows = named.value.filter(
    (row) =>
      row.vouchedAt !== undefined ||
      !others.some((other) => isOf(row)(other) && other.verifiedAt !== undefined),
  );
  if (isSame(own, rows)) return ok(record);
  const data = { changed: Object.keys(given) };
  const event = auditEvent(powers, {
    type: "user.updated",
    userId: record.user.id,
    clientId: client.id,
    data,
    ...by,
  });
  return await powers.users.update(record.user, { identifiers: { of: client.id, given: rows } }, now, event);
}

/** Whose backend speaks, and what it calls the user. */
type Whose = { readonly client: Client; readonly name: string };

/** What somebody who has `present` of this client's giving is called then. */
export function rowsOf(
  whose: Whose,
  present: readonly Identifier[],
  given: GivenNames,
  now: number,
): Result<readonly GivenIdentifier[], RefusalOf<"malformed">> {
  const rows: GivenIdentifier[] = [];
  for (const kind of ["email", "phone", "username"] as const) {
    const row = rowOf(whose, present, kind, given[kind], now);
    if (!row.ok) return row;
    rows.push(...row.value);
  }
  return ok(rows);
}

function rowOf(
  whose: Whose,
  known: readonly Identifier[],
  kind: IdentifierKind,
  name: GivenName | undefined,
  now: number,
): Result<readonly GivenIdentifier[], RefusalOf<"malformed">> {
  const present = known.filter((identifier) => identifier.kind === kind);
  // Of what is proven there is nothing to vouch for.
  const seen = (row?: Identifier) =>
    name?.verified === true && row?.verifiedAt === undefined ? { vouchedAt: row?.vouchedAt ?? now } : {};
  if (name?.value === undefined) return ok(present.map((row) => ({ ...row, ...seen(row) })));
  if (name.value === null) return ok([]);
  const fits = nameOf(whose, kind, name.value);
  if (fits?.kind !== kind) return no({ code: "malformed", detail: kind });
  const same = present.find((row) => isSameName(row, fits));
  if (!same) return ok([{ ...fits, assertedBy: "client", client: whose.client.id, ...seen() }]);
  // They have it already: nothing says that their others are theirs no more.
  return ok(present.map((row) => (row === same ? { ...row, ...seen(row) } : row)));
}

function nameOf({ client, name }: Whose, kind: IdentifierKind, text: string): ReadIdentifier | undefined {
  // Whatever a backend calls a username is one, though it may look like an address.
  if (kind === "username") return readUsername(text);
  const read = readIdentifier(text);
  const isNote = kind === "phone" && (read?.kind !== kind || isShared(client, read));
  return isNote ? numberNote(text, name) : read;
}

/** One that is kept as a note stays the same under another name of its user. */
const isSameName = (row: ReadIdentifier, given: ReadIdentifier): boolean =>
  row.normal === given.normal || (given.normal.includes("#") && row.value === given.value);

const isSame = (own: readonly Identifier[], rows: readonly GivenIdentifier[]): boolean =>
  own.length === rows.length &&
  rows.every((row) => own.some((known) => isOf(row)(known) && known.vouchedAt === row.vouchedAt));
