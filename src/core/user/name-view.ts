import type { Client } from "../client/client.ts";
import type { ClientId, Realm } from "../ids.ts";
import type { Identifier, User } from "./user.ts";

/**
 * Whose words about names a client goes by: its own backend's, those of the clients that it lists in `names_from`, and what holds in
 * the whole realm, which is what users proved and what the operator said. Another client's word is not in it.
 */
export type NameView = {
  readonly realm: Realm;
  readonly client: ClientId;
  readonly from: readonly ClientId[];
};

export const viewOf = ({ id, realm, settings }: Pick<Client, "id" | "realm" | "settings">): NameView => ({
  realm,
  client: id,
  from: settings.names_from ?? [],
});

const isFriend = ({ client, from }: NameView, giver: ClientId | undefined): boolean =>
  giver !== undefined && (giver === client || from.includes(giver));

/** Whether every door of this client may find the user by this identifier. */
export const isKnownTo = (view: NameView, { verifiedAt, assertedBy, client }: Identifier): boolean =>
  verifiedAt !== undefined || assertedBy === "admin" || (assertedBy === "client" && isFriend(view, client));

/** The same, and what an anonymous call said through this client: good in the door that takes such calls, and in no other. */
export const isHeardBy = (view: NameView, identifier: Identifier): boolean =>
  isKnownTo(view, identifier) || (identifier.assertedBy === "anonymous" && isFriend(view, identifier.client));

/** Whether the address counts as seen for this client: proven, or proven to its own backend by that backend's word. */
export const isSeenBy = ({ client }: NameView, identifier: Identifier): boolean =>
  identifier.verifiedAt !== undefined ||
  (identifier.assertedBy === "client" && identifier.client === client && identifier.vouchedAt !== undefined);

/** The external id, where this client may know the user by it; `anonymous`: also one that only an anonymous call gave. */
export function externalIdFor(view: NameView, user: User, anonymous = false): string | undefined {
  const { externalId, externalAssertedBy: by, externalClient } = user;
  if (externalId === undefined) return undefined;
  if (by === "admin") return externalId;
  if (!isFriend(view, externalClient)) return undefined;
  return by === "client" || anonymous ? externalId : undefined;
}

/** The user's names as far as this client may know them: proven ones first, anonymous ones last if at all. */
export function namesFor(
  view: NameView,
  { identifiers }: { readonly identifiers: readonly Identifier[] },
  anonymous = false,
): readonly Identifier[] {
  const known = identifiers.filter((one) => (anonymous ? isHeardBy(view, one) : isKnownTo(view, one)));
  const rank = ({ verifiedAt, assertedBy }: Identifier) =>
    verifiedAt !== undefined ? 0 : assertedBy === "anonymous" ? 2 : 1;
  return known.toSorted((a, b) => rank(a) - rank(b));
}
