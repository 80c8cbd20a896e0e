import type { Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { no, ok } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";
import { belongingOf } from "../../../core/user/belonging.ts";
import { updateUser } from "../../../core/user/update.ts";
import type { User, UserStatus } from "../../../core/user/user.ts";

type Powers = Pick<Services, "devices" | "authenticators" | "records"> & Parameters<typeof updateUser>[0];

const SHARED = no({ code: "not_allowed", detail: "the user is not this client's alone" } as const);

/** So many locks after one another are looked through; beyond them only the operator unlocks. */
const LOCKS = 20;

/**
 * Locks or unlocks a user for a client's backend, who must be wholly its own; and it unlocks only what it locked. Refused:
 * `unknown_user` when this client has nothing of theirs, `not_allowed` when somebody else has, or locked them.
 */
export async function setOwnStatus(
  powers: Powers,
  client: Client,
  record: UserRecord,
  status: UserStatus,
  by: Requester,
): ReturnType<typeof updateUser> {
  const { user } = record;
  const { belongs } = await belongingOf(powers, client.id, record);
  if (belongs === "not") return no({ code: "unknown_user" });
  if (belongs === "partly") return SHARED;
  const change = async (since?: Instant) => {
    const patch = {
      status,
      identifiers: {},
      only: { whollyOf: client.id },
      ...(since === undefined ? {} : { since }),
    };
    const changed = await updateUser(powers, user.id, patch, by);
    const isLeft =
      !changed.ok &&
      changed.error.code === "unknown_user" &&
      (await powers.users.byId(user.id, client.realm));
    return isLeft ? SHARED : changed;
  };
  if (status === "locked") return await change();
  if (user.status === "active") return ok(record);
  const { endedAt } = user;
  if (endedAt === undefined || !(await isLockedBy(powers, user, by.actor))) {
    return no({ code: "not_allowed", detail: "the lock is not this client's" });
  }
  return await change(endedAt);
}

/** Whether every lock since they were last active is this actor's, and the last of them is the one that holds. */
async function isLockedBy({ records }: Powers, { id, endedAt }: User, actor: string): Promise<boolean> {
  const [locks, [active]] = await Promise.all([
    records.events({ userId: id, type: "user.locked", size: LOCKS }),
    records.events({ userId: id, type: "user.active", size: 1 }),
  ]);
  const standing = locks.filter((lock) => active === undefined || lock.id > active.id);
  if (standing.length === LOCKS || standing[0]?.at !== endedAt) return false;
  return standing.every((lock) => lock.actor === actor);
}
