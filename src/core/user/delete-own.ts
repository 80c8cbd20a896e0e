import { auditEvent, type Requester } from "../audit/record.ts";
import type { Client } from "../client/client.ts";
import { isDeviceOf } from "../device/answers-for.ts";
import { revokeDevice } from "../device/revoke.ts";
import { Outage } from "../fault.ts";
import type { Services } from "../ports/services.ts";
import type { NotActive } from "../ports/standing.ts";
import type { UserRecord } from "../ports/users.ts";
import { no, ok, type Result } from "../result.ts";
import { belongingOf } from "./belonging.ts";
import { deleteUser } from "./delete.ts";
import { removeAddress } from "./remove-address.ts";

type Powers = Pick<Services, "authenticators" | "records" | "clock"> &
  Parameters<typeof deleteUser>[0] &
  Parameters<typeof revokeDevice>[0] &
  Parameters<typeof removeAddress>[0];

type Enrolled = Pick<Awaited<ReturnType<typeof belongingOf>>["held"], "devices" | "addresses">;

/** Whoever came in between is seen at the second look. */
const LOOKS = 3;

/**
 * Deletes a user for a client's backend: as a whole when nobody else has anything of them, else only what is this client's, and the user
 * stays. Refused: `unknown_user` when this client has nothing of theirs, `user_locked` when they are shared and locked.
 */
export async function deleteOwnUser(
  powers: Powers,
  client: Client,
  record: UserRecord,
  by: Requester,
): Promise<Result<undefined, NotActive>> {
  let left: UserRecord | undefined = record;
  for (let looks = 0; looks < LOOKS && left !== undefined; looks++) {
    const deleted = await deleteOnce(powers, client, left, by);
    if (deleted) return deleted;
    left = await powers.users.byId(record.user.id, client.realm);
  }
  if (left === undefined) return no({ code: "unknown_user" });
  throw new Outage("a person changes hands while they are deleted", { retryAfter: 2 });
}

/** Undefined when they were wholly this client's, and no longer when they were to be deleted. */
async function deleteOnce(
  powers: Powers,
  client: Client,
  record: UserRecord,
  by: Requester,
): Promise<Result<undefined, NotActive> | undefined> {
  const { belongs, held } = await belongingOf(powers, client.id, record);
  if (belongs === "not") return no({ code: "unknown_user" });
  if (belongs === "wholly") {
    const deleted = await deleteUser(powers, record.user.id, by, { whollyOf: client.id });
    return deleted.ok ? deleted : undefined;
  }
  if (record.user.status === "locked") return no({ code: "user_locked" });
  await removeEnrolled(powers, client, record, held, by);
  await powers.authenticators.removeProfile(record.user.id, client.id);
  return await removeWords(powers, client, record, by);
}

async function removeEnrolled(
  powers: Powers,
  { id: clientId }: Client,
  { user }: UserRecord,
  { devices, addresses }: Enrolled,
  by: Requester,
): Promise<void> {
  const userId = user.id;
  for (const { id } of devices.filter((device) => isDeviceOf(device, clientId))) {
    await powers.authenticators.remove(userId, id, powers.clock.now());
    await revokeDevice(powers, { userId, deviceId: id, reason: "removed_by_client", ...by });
  }
  for (const { id } of addresses.filter((one) => one.clientId === clientId)) {
    await removeAddress(powers, { userId, id, clientId, by });
  }
}

/** Takes back what this client said of the user. It goes last: by these words the call can be repeated. What they proved stays theirs. */
async function removeWords(
  powers: Powers,
  { id: clientId }: Client,
  { user, identifiers }: UserRecord,
  by: Requester,
): Promise<Result<undefined, NotActive>> {
  const own = identifiers.filter(({ client }) => client === clientId);
  const proven = own.filter(({ verifiedAt }) => verifiedAt !== undefined);
  const isNamed = user.externalId !== undefined && user.externalClient === clientId;
  if (!isNamed && own.length === proven.length) return ok(undefined);
  const data = { changed: [...(isNamed ? ["external_id"] : []), "identifiers"] };
  const parts = { type: "user.updated", userId: user.id, clientId, reason: "removed_by_client", data };
  const event = auditEvent(powers, { ...parts, ...by });
  const given = proven.map(({ userId: _, createdAt: __, ...identifier }) => identifier);
  const change = {
    ...(isNamed ? { externalId: null } : {}),
    identifiers: { of: clientId, given },
  };
  const changed = await powers.users.update(user, change, event.at, event);
  if (changed.ok) return ok(undefined);
  return changed.error.code === "user_exists" ? no({ code: "unknown_user" }) : no(changed.error);
}
