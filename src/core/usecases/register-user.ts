import type { Client } from "../client/client.ts";
import { newUserId, type UserId, userSubject } from "../ids.ts";
import type { SignUp } from "../inbox/enrolment.ts";
import type { Services } from "../ports/services.ts";
import type { NewUser, UserRecord } from "../ports/users.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type ReadIdentifier, readIdentifier } from "../user/identifier.ts";
import { viewOf } from "../user/name-view.ts";

export type Registration = {
  readonly client: Client;
  /** The app's own name for the person. */
  readonly externalId?: string;
  readonly identifiers: readonly string[];
  /** Where the person's inbox should live. */
  readonly hint?: string;
};

/**
 * Begins the sign-up of a person whom nobody has verified, under a new id that is told to this caller alone. Until their first device is
 * enrolled there is no such person in any door, no name is taken, and nothing is written but the inbox that forgets it
 * (docs/decisions/0035). Refused: a text that is no name, and a name that somebody goes by already as far as this client may know.
 */
export async function registerUser(
  powers: Pick<Services, "users" | "inboxes" | "clock" | "chance">,
  asked: Registration,
): Promise<Result<UserRecord, Refusal>> {
  const { client, externalId } = asked;
  const read = asked.identifiers.map(readIdentifier);
  if (read.some((identifier) => identifier === undefined)) {
    return no({ code: "malformed", detail: "identifier" });
  }
  const identifiers = distinct(read.filter((identifier) => identifier !== undefined));
  const names = [...asked.identifiers, ...(externalId === undefined ? [] : [externalId])];
  const view = viewOf(client);
  const holders = await Promise.all(names.map((name) => powers.users.byAnyName(view, name)));
  if (holders.some((holder) => holder !== undefined)) return no({ code: "user_exists", field: "identifier" });
  const id = newUserId(powers.chance.uuid());
  const signUp: SignUp = {
    realm: client.realm,
    clientId: client.id,
    ...(externalId === undefined ? {} : { externalId }),
    identifiers,
    at: powers.clock.now(),
  };
  await powers.inboxes.beginSignUp(userSubject(id), signUp, asked.hint);
  return ok(signedUp(id, signUp));
}

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

/** The person of a sign-up as its caller is shown them. */
export function signedUp(id: UserId, signUp: SignUp): UserRecord {
  const { identifiers, assertedBy, client, ...user } = newUserOf(id, signUp);
  const { at } = signUp;
  const by = user.externalId === undefined ? {} : { externalAssertedBy: assertedBy, externalClient: client };
  return {
    user: { ...user, ...by, status: "active", createdAt: at, updatedAt: at } as UserRecord["user"],
    identifiers: identifiers.map((identifier) => ({ ...identifier, userId: id, createdAt: at })),
  };
}

/** One identifier in two spellings is one: its key would take the second for another person's. */
const distinct = (identifiers: readonly ReadIdentifier[]): readonly ReadIdentifier[] => [
  ...new Map(
    identifiers.map((identifier) => [`${identifier.kind} ${identifier.normal}`, identifier]),
  ).values(),
];
