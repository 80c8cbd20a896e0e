import { Outage } from "../fault.ts";
import { newUserId, parseUserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { recordEvent } from "./record-event.ts";

type Reading = Pick<Services, "users">;
type Making = Pick<Services, "users" | "records" | "events" | "clock" | "chance">;

/** The name by which a backend knows the user: its own, when it may be trusted, else the id here. */
export const nameOf = ({ user }: UserRecord): string =>
  user.externalId !== undefined && user.externalAssertedBy !== "anonymous" ? user.externalId : user.id;

/**
 * The user whom a backend names by its own id for them, or by the id here. A name that an anonymous call gave resolves to
 * nobody (settled question 23).
 */
export async function findNamedUser(powers: Reading, name: string): Promise<UserRecord | undefined> {
  const own = await powers.users.byExternalId(name);
  if (own && own.user.externalAssertedBy !== "anonymous") return own;
  const id = parseUserId(name);
  return id === undefined ? undefined : await powers.users.byId(id);
}

const TRIES = 3;

/**
 * The user of this name, made now when there is none. A name that only an anonymous call had given passes to the new user: the word
 * of whoever holds the client's secret weighs more, and a stranger must not be able to keep a name from its person.
 */
export async function ensureNamedUser(powers: Making, name: string, by: Requester): Promise<UserRecord> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await findNamedUser(powers, name);
    if (found) return found;
    await freeName(powers, name, by);
    const id = newUserId(powers.chance.uuid());
    const event = auditEvent(powers, { type: "user.created", userId: id, ...by });
    const made = await powers.users.insert(
      { id, externalId: name, assertedBy: "client", identifiers: [] },
      event,
      event.at,
    );
    if (made.ok) return made.value;
  }
  throw new Outage("a user's name is being taken by somebody else, again and again");
}

async function freeName(powers: Making, name: string, by: Requester): Promise<void> {
  const holder = await powers.users.byExternalId(name);
  if (holder?.user.externalAssertedBy !== "anonymous") return;
  const event = auditEvent(powers, {
    type: "user.updated",
    userId: holder.user.id,
    reason: "external_id_taken_over",
    ...by,
  });
  await powers.users.update(holder.user.id, { externalId: null }, event.at);
  await recordEvent(powers, event);
}
