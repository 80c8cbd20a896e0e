import type { ClientId } from "../core/ids.ts";
import type { NameView } from "../core/user/name-view.ts";
import type { Identifier } from "../core/user/user.ts";

/**
 * Whose a name is, as the keys of the tables hold it: `proven` by the user, the `operator`'s, a client's backend's (the client's id), or
 * what an anonymous call said through a client (`?` and its id). No client id holds any of these signs.
 */
export type Owner = string & { readonly owner?: never };

export const PROVEN: Owner = "";
export const OPERATOR: Owner = "*";
export const backendOf = (client: ClientId): Owner => client;
export const callerOf = (client: ClientId): Owner => `?${client}`;
/** Nobody knows any more through which client it came: such a name finds nobody. */
export const UNKNOWN: Owner = "?";
/** In front of every owner that is an anonymous call's. */
export const CALLERS = "?";

/** The owner of a name that is given so. */
export function ownerOf({
  assertedBy,
  client,
  verifiedAt,
}: Pick<Identifier, "assertedBy" | "client" | "verifiedAt">): Owner {
  if (verifiedAt !== undefined) return PROVEN;
  switch (assertedBy) {
    case "admin":
    case "proof":
      return OPERATOR;
    case "client":
      return client === undefined ? UNKNOWN : backendOf(client);
    case "anonymous":
      return client === undefined ? UNKNOWN : callerOf(client);
  }
}

/** Owners whose backends' words a client goes by, its own first. */
export const backendsFor = ({ client, from }: NameView): readonly Owner[] => [client, ...from].map(backendOf);
/** Owners of what anonymous calls said through these clients. */
export const callersFor = ({ client, from }: NameView): readonly Owner[] => [client, ...from].map(callerOf);

/** Whose names stand in the way of a new one by this owner: they would be found before it, or be taken for it. */
export function rivalsOf(owner: Owner, view: NameView | undefined): readonly Owner[] {
  if (owner === PROVEN) return [PROVEN];
  if (view === undefined || owner === OPERATOR) return [PROVEN, OPERATOR];
  const known = [PROVEN, OPERATOR, ...backendsFor(view)];
  return owner.startsWith(CALLERS) ? [...known, ...callersFor(view)] : known;
}
