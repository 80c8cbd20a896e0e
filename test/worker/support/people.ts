import { MAIN, type UserId } from "../../../src/core/ids.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { ANY_REALM, type UserRecord } from "../../../src/core/ports/users.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";

type At = { readonly services: Pick<Services, "users"> };

/** The one user whom anybody calls so, past every rule about whose word that is. */
export async function called(at: At, externalId: string): Promise<UserRecord | undefined> {
  return (await at.services.users.named(ANY_REALM, { externalId }))[0];
}

/** The one user who has this identifier by anybody's word; who proved it first. */
export async function havingName(at: At, text: string): Promise<UserRecord | undefined> {
  const identifier = readIdentifier(text);
  if (!identifier) return undefined;
  const found = await at.services.users.named(ANY_REALM, { identifier });
  const proven = ({ identifiers }: UserRecord) =>
    identifiers.some((one) => one.normal === identifier.normal && one.verifiedAt !== undefined);
  return found.find(proven) ?? found[0];
}

/** The user of an id, in whichever realm. */
export const withId = (at: At, id: unknown): Promise<UserRecord | undefined> =>
  at.services.users.byId(id as UserId, ANY_REALM);

/** A user of the main realm, as the store takes one. */
export const mainUser = (id: unknown) => ({ id: id as UserId, realm: MAIN });
