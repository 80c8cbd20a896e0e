import { and, eq, inArray, isNull, not, or, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { type ClientId, parseUserId, type Realm, type UserId } from "../core/ids.ts";
import type { GivenIdentifier, IdentifierLook, WrittenUser } from "../core/ports/users.ts";
import { type ReadIdentifier, readIdentifier } from "../core/user/identifier.ts";
import type { NameView } from "../core/user/name-view.ts";
import type { Store } from "./database.ts";
import {
  backendOf,
  backendsFor,
  CALLERS,
  callersFor,
  OPERATOR,
  type Owner,
  ownerOf,
  PROVEN,
  rivalsOf,
} from "./owners.ts";
import { rowWhere } from "./rows.ts";
import { identifiers, users } from "./schema.ts";

/** An identifier as the keys of the table hold it. */
type Named = Pick<ReadIdentifier, "kind" | "normal">;

/** Every row of one identifier in a realm: one range of the primary key. */
export const isNamed = (realm: Realm, { kind, normal }: Named) =>
  and(eq(identifiers.realm, realm), eq(identifiers.kind, kind), eq(identifiers.normal, normal));

/** `case owner when … end`: owners in the order in which they are believed. */
const rank = (column: SQLWrapper, owners: readonly Owner[]): SQL =>
  sql`case ${column} ${sql.join(
    owners.map((owner, index) => sql`when ${owner} then ${sql.raw(String(index))}`),
    sql` `,
  )} end`;

/** The id of who goes by this identifier by the word of the first of these owners who has it. */
export const holderBy = (db: Store, realm: Realm, identifier: Named, owners: readonly Owner[]) =>
  db
    .select({ id: identifiers.userId })
    .from(identifiers)
    .where(and(isNamed(realm, identifier), inArray(identifiers.owner, [...owners])))
    .orderBy(rank(identifiers.owner, owners))
    .limit(1);

/** The same of an external id. */
export const calledBy = (db: Store, realm: Realm, externalId: string, owners: readonly Owner[]) =>
  db
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        eq(users.realm, realm),
        eq(users.externalId, externalId),
        inArray(users.externalOwner, [...owners]),
      ),
    )
    .orderBy(rank(users.externalOwner, owners))
    .limit(1);

/** Owners of external ids that a backend may mean: its own, its friends', the operator's. */
export const namersFor = (view: NameView): readonly Owner[] => [...backendsFor(view), OPERATOR];

/** Owners in the order in which a client that means somebody by an identifier believes them. */
export function believedBy(view: NameView, look: IdentifierLook): readonly Owner[] {
  const proven = [PROVEN, OPERATOR];
  const own = backendsFor(view);
  const known = look.first === "own" ? [...own, ...proven] : [...proven, ...own];
  return look.anonymous ? [...known, ...callersFor(view)] : known;
}

/** What a free text may mean to a client: the values that `idOfText` compares. */
export type Meaning = {
  readonly realm: Realm;
  readonly text: string;
  /** The text as an id of ours, or the text itself: no id is like it. */
  readonly id: UserId;
  readonly identifier: Named | undefined;
  readonly backends: readonly Owner[];
  readonly callers: readonly Owner[];
};

export const meaningOf = (view: NameView, text: string): Meaning => ({
  realm: view.realm,
  text,
  id: parseUserId(text) ?? (text as UserId),
  identifier: readIdentifier(text),
  backends: backendsFor(view),
  callers: callersFor(view),
});

/** The id that a free text means to the Cotter door, in order of preference; SQLite stops at the first that is found. */
export function idOfText(db: Store, meaning: Meaning): SQL {
  const { realm, text, id, identifier, backends, callers } = meaning;
  const holder = (owners: readonly Owner[]) =>
    identifier === undefined ? [] : [holderBy(db, realm, identifier, owners)];
  const ways: SQLWrapper[] = [
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, id), eq(users.realm, realm))),
    ...holder([PROVEN, OPERATOR]),
    // An address goes before a name that looks like it: users choose names.
    ...holder(backends),
    calledBy(db, realm, text, [...backends, OPERATOR]),
    ...holder(callers),
    calledBy(db, realm, text, callers),
  ];
  return sql`coalesce(${sql.join(
    ways.map((way) => sql`(${way})`),
    sql`, `,
  )})`;
}

export type Writing = {
  readonly realm: Realm;
  readonly userId: UserId;
  readonly now: number;
  /** Whether the user may be given names. */
  readonly guard: SQL;
  /** The client whose backend's mere word a proof takes along. */
  readonly takesFrom?: ClientId | undefined;
};

const viewOfGiver = (realm: Realm, { client, assertedBy }: GivenIdentifier): NameView | undefined =>
  client === undefined || assertedBy === "admin" ? undefined : { realm, client, from: [] };

/**
 * Writes one identifier of a user. Where a proof, the operator or the same giver has it for somebody else already, the null that
 * results undoes the batch.
 */
export function giveIdentifier(db: Store, { realm, userId, now, guard }: Writing, given: GivenIdentifier) {
  const owner = ownerOf(given);
  const rivals = rivalsOf(owner, viewOfGiver(realm, given));
  const taken = sql`exists (select 1 from ${identifiers} where ${and(
    isNamed(realm, given),
    inArray(identifiers.owner, [...rivals]),
    not(eq(identifiers.userId, userId)),
  )})`;
  const row = { ...given, realm, owner, userId, createdAt: now };
  return db
    .insert(identifiers)
    .select(
      rowWhere(identifiers, row, guard, { userId: sql`case when ${taken} then null else ${userId} end` }),
    )
    .onConflictDoUpdate({
      target: [identifiers.realm, identifiers.kind, identifiers.normal, identifiers.owner],
      set: {
        userId: sql`case when ${identifiers.userId} = excluded.user_id then excluded.user_id end`,
        value: sql`excluded.value`,
        assertedBy: sql`excluded.asserted_by`,
        // A proof stays the first one's through whom it came: proving it again elsewhere makes it nobody else's.
        client: sql`case when excluded.asserted_by = 'admin' then null when ${identifiers.verifiedAt} is not null then ${identifiers.client} else coalesce(excluded.client_id, ${identifiers.client}) end`,
        // What was proven, or vouched for, of this very identifier stays so.
        verifiedAt: sql`coalesce(excluded.verified_at, ${identifiers.verifiedAt})`,
        vouchedAt: sql`coalesce(excluded.vouched_at, ${identifiers.vouchedAt})`,
      },
    });
}

/**
 * What a proof makes needless: the user's own weaker rows of the same identifier, and what anonymous calls said of it for others.
 * What those others began before is over then: a session that is listed later would speak of the name. Goes behind the write of the
 * proof: a batch that is undone has taken nothing away.
 */
function afterProof(db: Store, { realm, userId, now, takesFrom, guard }: Writing, proven: ReadIdentifier) {
  const weaker = and(eq(identifiers.userId, userId), not(eq(identifiers.owner, PROVEN)));
  const claimed = sql`substr(${identifiers.owner}, 1, 1) = ${CALLERS}`;
  const named =
    takesFrom === undefined
      ? undefined
      : and(eq(identifiers.owner, backendOf(takesFrom)), isNull(identifiers.vouchedAt));
  const passing = and(isNamed(realm, proven), or(claimed, named), not(eq(identifiers.userId, userId)));
  const whose = db.select({ id: identifiers.userId }).from(identifiers).where(passing);
  return [
    db
      .update(users)
      .set({ endedAt: now })
      .where(and(inArray(users.id, whose), guard)),
    db
      .delete(identifiers)
      .where(and(isNamed(realm, proven), or(weaker, claimed, named), guard))
      .returning({ displaced: identifiers.userId }),
  ] as const;
}

/** From the results of a batch with these statements: who has lost a name to this user's proof. */
export function displacedIn(results: readonly unknown[], userId: UserId): Pick<WrittenUser, "displaced"> {
  const rows = results.filter(Array.isArray).flat() as readonly { readonly displaced?: UserId }[];
  const ids = rows.flatMap(({ displaced }) => (displaced === undefined ? [] : [displaced]));
  const displaced = [...new Set(ids)].filter((id) => id !== userId);
  return displaced.length === 0 ? {} : { displaced };
}

/** The statements that give a user all of these names. */
export const giveIdentifiers = (db: Store, writing: Writing, given: readonly GivenIdentifier[]) =>
  given.flatMap((identifier) => [
    giveIdentifier(db, writing, identifier),
    ...(identifier.verifiedAt === undefined ? [] : afterProof(db, writing, identifier)),
  ]);
