import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { newUserId, userSubject } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Refusal } from "../refusal.ts";
import { no, type Result } from "../result.ts";
import { type ReadIdentifier, readIdentifier } from "../user/identifier.ts";
import { auditEvent } from "./audit-event.ts";

export type Registration = {
  readonly client: Client;
  /** The app's own name for the person. */
  readonly externalId?: string;
  readonly identifiers: readonly string[];
  /** Names the caller for whom the first-device window opens. */
  readonly binding: string;
  readonly origin: Origin;
  /** Where the person's inbox should live. */
  readonly hint?: string;
};

type Powers = Pick<Services, "users" | "inboxes" | "clock" | "chance">;

/**
 * Registers a person whom nobody has verified: the names given resolve in the asking door only until they are proved (settled
 * question 23), and none of them may be a name that anybody goes by already, in whichever column.
 */
export async function registerUser(
  powers: Powers,
  asked: Registration,
): Promise<Result<UserRecord, Refusal>> {
  const identifiers = asked.identifiers.map(readIdentifier);
  if (identifiers.some((identifier) => identifier === undefined)) {
    return no({ code: "malformed", detail: "identifier" });
  }
  const names = [...asked.identifiers, ...(asked.externalId === undefined ? [] : [asked.externalId])];
  const holders = await Promise.all(names.map((name) => powers.users.byAnyName(name)));
  if (holders.some((holder) => holder !== undefined)) return no({ code: "user_exists", field: "identifier" });
  const id = newUserId(powers.chance.uuid());
  const event = auditEvent(powers, {
    type: "user.created",
    actor: `client:${asked.client.id}`,
    userId: id,
    clientId: asked.client.id,
    ip: asked.origin.ip,
    reason: "anonymous",
  });
  // The window first: a user without one could never enrol a device.
  await powers.inboxes.openEnrolment(userSubject(id), asked.binding, asked.hint);
  const inserted = await powers.users.insert(
    {
      id,
      ...(asked.externalId === undefined ? {} : { externalId: asked.externalId }),
      assertedBy: "anonymous",
      identifiers: distinct(identifiers.filter((identifier) => identifier !== undefined)).map(
        (identifier) => ({ ...identifier, assertedBy: "anonymous" as const }),
      ),
    },
    event,
    powers.clock.now(),
  );
  if (!inserted.ok) await powers.inboxes.wipe(userSubject(id));
  return inserted;
}

/** One identifier in two spellings is one: the unique constraint would take the second for another person's. */
const distinct = (identifiers: readonly ReadIdentifier[]): readonly ReadIdentifier[] => [
  ...new Map(
    identifiers.map((identifier) => [`${identifier.kind} ${identifier.normal}`, identifier]),
  ).values(),
];
