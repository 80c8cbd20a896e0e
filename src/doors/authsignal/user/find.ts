import { auditEvent, type Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { Outage } from "../../../core/fault.ts";
import { newUserId, parseUserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { GivenIdentifier, UserRecord, UserWithWays } from "../../../core/ports/users.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { externalIdFor, viewOf } from "../../../core/user/name-view.ts";

type Reading = Pick<Services, "users">;
type Making = Pick<Services, "users" | "clock" | "chance">;

/** Whether the client's backend names users by our own ids and by nothing else. */
const bySubject = ({ settings }: Client): boolean => settings.user_ids === "subject";

/** The name by which this client's backend knows the user: its own word or a friend's, the operator's, else the id here. */
export const nameOf = (client: Client, { user }: UserRecord): string =>
  (bySubject(client) ? undefined : externalIdFor(viewOf(client), user)) ?? user.id;

/**
 * The user whom a backend names: by the id here where `user_ids` says so, else by an external id of its own, a friend's or the operator's. A
 * name is never tried as anything else: a backend's users may choose it, so it must not lead to another client's user.
 */
export async function findNamedUser(
  { users }: Reading,
  client: Client,
  name: string,
): Promise<UserRecord | undefined> {
  if (!bySubject(client)) return await users.byExternalId(viewOf(client), name);
  const id = parseUserId(name);
  return id && (await users.byId(id, client.realm));
}

/** The same with all that they have enrolled or once had: one batch. */
export async function findNamedWithWays(
  { users }: Reading,
  client: Client,
  name: string,
): Promise<UserWithWays | undefined> {
  if (!bySubject(client)) return await users.withWays(viewOf(client), { externalId: name });
  const id = parseUserId(name);
  return id && (await users.withWays(viewOf(client), { id }));
}

const TRIES = 3;

/** `unknown_user` where the client names users by ids that nobody has. */
type NotMade = RefusalOf<"unknown_user" | "client_disabled">;

/** The user of this name, made now when there is none. */
export async function ensureNamedUser(
  powers: Making,
  client: Client,
  name: string,
  by: Requester,
): Promise<Result<UserRecord, NotMade>> {
  const found = await findOrMakeUser(powers, client, name, [], by, findNamedUser);
  if (!found.ok) return found;
  return ok("made" in found.value ? found.value.made : found.value.found);
}

/**
 * The same, looked for by `find`; a user who is new goes by `identifiers` too, unless one of them is another user's: then by none.
 */
export async function findOrMakeUser<Found>(
  powers: Making,
  client: Client,
  name: string,
  identifiers: readonly GivenIdentifier[],
  by: Requester,
  find: (powers: Reading, client: Client, name: string) => Promise<Found | undefined>,
): Promise<Result<{ readonly found: Found } | { readonly made: UserRecord }, NotMade>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await find(powers, client, name);
    if (found) return ok({ found });
    if (bySubject(client)) return no({ code: "unknown_user" });
    const made = await make(powers, client, name, identifiers, by);
    if (made.ok) return ok({ made: made.value });
    if (made.error.code === "client_disabled") return no(made.error);
  }
  throw new Outage("a user's name is being taken by somebody else, again and again");
}

async function make(
  powers: Making,
  client: Client,
  name: string,
  identifiers: readonly GivenIdentifier[],
  by: Requester,
): ReturnType<Making["users"]["insert"]> {
  const id = newUserId(powers.chance.uuid());
  const event = auditEvent(powers, { type: "user.created", userId: id, clientId: client.id, ...by });
  const made = await powers.users.insert(
    { id, realm: client.realm, externalId: name, assertedBy: "client", client: client.id, identifiers },
    event,
    event.at,
  );
  const isTaken = !made.ok && made.error.code === "user_exists" && made.error.field === "identifier";
  return isTaken ? await make(powers, client, name, [], by) : made;
}
