import { and, asc, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Realm, UserId } from "../core/ids.ts";
import type { IdentifierLook } from "../core/ports/users.ts";
import type { ReadIdentifier } from "../core/user/identifier.ts";
import type { NameView } from "../core/user/name-view.ts";
import type { Store } from "./database.ts";
import { newestFirst } from "./devices.ts";
import { kept, type Places, type Values } from "./kept.ts";
import { believedBy, calledBy, holderBy, idOfText, type Meaning, meaningOf, namersFor } from "./names.ts";
import type { Owner } from "./owners.ts";
import { devices, identifiers, users } from "./schema.ts";

// Looking a user up is part of every sign-in: these statements are put together once (`kept.ts`).

/** Every row of the users that `where` picks, joined with their identifiers. */
export const usersWhere = (db: Store, where: SQL | undefined) =>
  db
    .select({ user: users, identifier: identifiers })
    .from(users)
    .leftJoin(identifiers, eq(identifiers.userId, users.id))
    .where(where)
    .orderBy(asc(users.id), asc(identifiers.kind), asc(identifiers.normal));

/** The user of an id, in any realm. */
export const userById = kept((db, at: Places<{ id: UserId }>) => usersWhere(db, eq(users.id, at("id"))));

/** The user of an id, in this realm. */
export const userByIdWithin = kept((db, at: Places<{ id: UserId; realm: Realm }>) =>
  usersWhere(db, and(eq(users.id, at("id")), eq(users.realm, at("realm")))),
);

/** Owners as the values of a statement that has a place for each: `letter` and a number from 0. */
export const numbered = (letter: string, owners: readonly Owner[]): Values =>
  Object.fromEntries(owners.map((owner, index) => [`${letter}${index}`, owner]));

export const placesFor = (at: Places<Values>, letter: string, count: number): readonly Owner[] =>
  Array.from({ length: count }, (_, index) => at(`${letter}${index}`));

/** Each text that may be an address has places for its kind and its normal form. */
const meant = (at: Places<Values>, shape: string): Meaning => {
  const count = Number(shape.slice(1));
  return {
    realm: at("realm"),
    text: at("text"),
    id: at("id"),
    identifier: shape.startsWith("i") ? identifierAt(at) : undefined,
    backends: placesFor(at, "backend", count),
    callers: placesFor(at, "caller", count),
  };
};

const identifierAt = (at: Places<Values>) => ({ kind: at("kind"), normal: at("normal") });

/** The values of a meaning, and the shape of the statement that has places for them. */
function placed({ identifier, backends, callers, ...plain }: Meaning): [Values, string] {
  const values = {
    ...plain,
    kind: identifier?.kind,
    normal: identifier?.normal,
    ...numbered("backend", backends),
    ...numbered("caller", callers),
  };
  return [values, `${identifier === undefined ? "t" : "i"}${backends.length}`];
}

const byText = kept((db, at: Places<Values>, shape: string) =>
  usersWhere(db, eq(users.id, idOfText(db, meant(at, shape)))),
);

/** The user whom a free text means to this client. */
export const userByText = (db: Store, view: NameView, text: string) =>
  byText(db, ...placed(meaningOf(view, text)));

const byTextWithKey = kept((db, at: Places<Values>, shape: string) =>
  db
    .select({ user: users, identifier: identifiers, device: devices })
    .from(users)
    .leftJoin(identifiers, eq(identifiers.userId, users.id))
    .leftJoin(devices, and(eq(devices.userId, users.id), eq(devices.fingerprint, at("fingerprint"))))
    .where(eq(users.id, idOfText(db, meant(at, shape))))
    .orderBy(...newestFirst, asc(identifiers.kind), asc(identifiers.normal)),
);

/** The same, each row with one of this user's devices of a key, the newest first. */
export function userByTextWithKey(db: Store, view: NameView, text: string, fingerprint: string) {
  const [values, shape] = placed(meaningOf(view, text));
  return byTextWithKey(db, { ...values, fingerprint }, shape);
}

/** The live device of a key in a realm, with its user. */
export const userByKey = kept((db, at: Places<{ realm: Realm; fingerprint: string }>) =>
  db
    .select({ user: users, identifier: identifiers, device: devices })
    .from(devices)
    .innerJoin(users, eq(users.id, devices.userId))
    .leftJoin(identifiers, eq(identifiers.userId, users.id))
    .where(
      and(
        eq(devices.realm, at("realm")),
        eq(devices.fingerprint, at("fingerprint")),
        isNull(devices.revokedAt),
        eq(users.realm, at("realm")),
      ),
    )
    .orderBy(asc(identifiers.kind), asc(identifiers.normal)),
);

const byExternalId = kept((db, at: Places<Values>, count: number) =>
  usersWhere(
    db,
    eq(users.id, sql`(${calledBy(db, at("realm"), at("externalId"), placesFor(at, "owner", count))})`),
  ),
);

/** The user whom a client's backend calls so. */
export function userByExternalId(db: Store, view: NameView, externalId: string) {
  const owners = namersFor(view);
  return byExternalId(db, { realm: view.realm, externalId, ...numbered("owner", owners) }, owners.length);
}

const byIdentifier = kept((db, at: Places<Values>, count: number) =>
  usersWhere(
    db,
    eq(users.id, sql`(${holderBy(db, at("realm"), identifierAt(at), placesFor(at, "owner", count))})`),
  ),
);

/** The user whom a client means by an identifier. */
export function userByIdentifier(
  db: Store,
  view: NameView,
  { kind, normal }: ReadIdentifier,
  look: IdentifierLook,
) {
  const owners = believedBy(view, look);
  const values = { realm: view.realm, kind, normal, ...numbered("owner", owners) };
  return byIdentifier(db, values, owners.length);
}
