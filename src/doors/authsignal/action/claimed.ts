import { Outage } from "../../../core/fault.ts";
import type { Applied } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { nameOf } from "../user/find.ts";
import type { ActionKey } from "./action.ts";

/** The action of an anonymous code, which is its claimer's; undefined for a tracked one. */
function untrackedKey({ spec }: Applied, { user }: UserRecord): ActionKey | undefined {
  const { action: code, idem: idempotencyKey } = spec.context;
  if (spec.userId !== undefined || typeof code !== "string" || typeof idempotencyKey !== "string")
    return undefined;
  return { clientId: spec.clientId, userId: user.id, code, idempotencyKey };
}

/** Its row stands from the claim on, so that a yes, a no and a veto that cross meet in one row, and one of them is written. */
export async function putOnRecord(
  powers: Pick<Services, "actions" | "clients">,
  claimed: Applied,
  user: UserRecord,
): Promise<void> {
  const key = untrackedKey(claimed, user);
  if (!key) return;
  const { id: challengeId, createdAt } = claimed.spec;
  const client = await powers.clients.find(claimed.spec.clientId);
  const context = { name: client ? nameOf(client, user) : user.user.id };
  const state = "challenge_required";
  await powers.actions.track({ ...key, state, stateAt: createdAt, createdAt, challengeId, context });
}

/** A declined challenge names nobody, so its no is written here; after an outage whoever reads the action settles it. */
export async function failUntracked(
  powers: Pick<Services, "actions" | "clock" | "log">,
  decided: Applied,
  user: UserRecord,
): Promise<void> {
  const key = decided.view.state === "denied" ? untrackedKey(decided, user) : undefined;
  if (!key) return;
  try {
    await powers.actions.fail(key, decided.spec.id, powers.clock.now());
  } catch (cause) {
    if (!(cause instanceof Outage)) throw cause;
    powers.log("warn", "an action is not settled yet", { challengeId: decided.spec.id, cause });
  }
}
