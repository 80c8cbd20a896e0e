import type { UserId } from "../ids.ts";
import type { SignUp } from "../inbox/state.ts";
import type { NewUser, UserRecord } from "../ports/users.ts";

/** The user whom a sign-up makes once its first device is there. */
export const newUserOf = (id: UserId, { realm, clientId, externalId, identifiers }: SignUp): NewUser => ({
  id,
  realm,
  ...(externalId === undefined ? {} : { externalId }),
  assertedBy: "anonymous",
  client: clientId,
  identifiers: identifiers.map((identifier) => ({
    ...identifier,
    assertedBy: "anonymous",
    client: clientId,
  })),
});

/** The user of a sign-up as its caller is shown them. */
export function signedUp(id: UserId, signUp: SignUp): UserRecord {
  const { identifiers, assertedBy, client, ...user } = newUserOf(id, signUp);
  const { at } = signUp;
  const by = user.externalId === undefined ? {} : { externalAssertedBy: assertedBy, externalClient: client };
  return {
    user: { ...user, ...by, status: "active", createdAt: at, updatedAt: at } as UserRecord["user"],
    identifiers: identifiers.map((identifier) => ({ ...identifier, userId: id, createdAt: at })),
  };
}
