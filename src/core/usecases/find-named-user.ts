import { Outage } from "../fault.ts";
import { newUserId, parseUserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { NewUser, UserRecord } from "../ports/users.ts";
import { auditEvent, type Requester } from "./audit-event.ts";

type Reading = Pick<Services, "users">;
type Making = Pick<Services, "users" | "clock" | "chance">;

/** The name by which a backend knows the user: its own, when it may be trusted, else the id here. */
export const nameOf = ({ user }: UserRecord): string =>
  user.externalId !== undefined && user.externalAssertedBy !== "anonymous" ? user.externalId : user.id;

type Known = {
  readonly user?: UserRecord | undefined;
  /** Who has the name by an anonymous call alone. */
  readonly squatter?: UserRecord | undefined;
};

async function lookUp({ users }: Reading, name: string): Promise<Known> {
  const id = parseUserId(name);
  const [own, byId] = await Promise.all([
    users.byExternalId(name),
    id === undefined ? undefined : users.byId(id),
  ]);
  return own && own.user.externalAssertedBy !== "anonymous" ? { user: own } : { user: byId, squatter: own };
}

/**
 * The user whom a backend names by its own id for them, or by the id here. A name that an anonymous call gave resolves to
 * nobody (settled question 23).
 */
export const findNamedUser = async (powers: Reading, name: string): Promise<UserRecord | undefined> =>
  (await lookUp(powers, name)).user;

const TRIES = 3;

/**
 * The user of this name, made now when there is none. A name that only an anonymous call had given passes to the new user: the word
 * of whoever holds the client's secret weighs more, and a stranger must not be able to keep a name from its person.
 */
export const ensureNamedUser = async (powers: Making, name: string, by: Requester): Promise<UserRecord> =>
  (await findOrMakeUser(powers, name, [], by)).record;

/** The same; a user who is new goes by `identifiers` too, unless one of them is another user's: then by none. */
export async function findOrMakeUser(
  powers: Making,
  name: string,
  identifiers: NewUser["identifiers"],
  by: Requester,
): Promise<{ readonly record: UserRecord; readonly isNew: boolean }> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { user, squatter } = await lookUp(powers, name);
    if (user) return { record: user, isNew: false };
    if (squatter) await freeName(powers, squatter, by);
    const made = await make(powers, name, identifiers, by);
    if (made) return { record: made, isNew: true };
  }
  throw new Outage("a user's name is being taken by somebody else, again and again");
}

async function make(
  powers: Making,
  name: string,
  identifiers: NewUser["identifiers"],
  by: Requester,
): Promise<UserRecord | undefined> {
  const id = newUserId(powers.chance.uuid());
  const event = auditEvent(powers, { type: "user.created", userId: id, ...by });
  const user = { id, externalId: name, assertedBy: "client", identifiers } as const;
  const made = await powers.users.insert(user, event, event.at);
  if (made.ok) return made.value;
  return made.error.field === "identifier" ? await make(powers, name, [], by) : undefined;
}

async function freeName(powers: Making, { user }: UserRecord, by: Requester): Promise<void> {
  const event = auditEvent(powers, {
    type: "user.updated",
    userId: user.id,
    reason: "external_id_taken_over",
    ...by,
  });
  await powers.users.update(user.id, { externalId: null }, event.at, event);
}
