import type { Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { actionRule } from "../../../core/client/settings.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";
import { countedFor, type Enrolled, enrolledOf, mustMeet, NOTHING_ENROLLED } from "../enrolment/enrolled.ts";
import { findOrMakeUser } from "../user/find.ts";
import { type GivenNames, giveNames, rowsOf } from "../user/give-names.ts";
import { type Action, type ActionContext, firstState } from "./action.ts";

export type Tracking = {
  readonly client: Client;
  /** The backend's own word for the user. */
  readonly name: string;
  readonly code: string;
  readonly idempotencyKey?: string;
  readonly context: Omit<ActionContext, "name">;
  readonly names: GivenNames;
  readonly by: Requester;
};

export type Tracked = { readonly action: Action; readonly user: UserRecord; readonly enrolled: Enrolled };

type Powers = Pick<
  Services,
  "users" | "devices" | "authenticators" | "actions" | "clock" | "chance" | "events"
>;

/**
 * Puts a security event on record and says what it takes (Authsignal §5). The user is made when unknown. The same key again is the
 * same action, as it stands. A name that is another user's is left out: a sign-in must not fail for it. Refused: `unknown_user` where the
 * client names users by our ids and nobody has this one, or the user was deleted meanwhile; `client_disabled`.
 */
export async function trackAction(
  powers: Powers,
  asked: Tracking,
): Promise<Result<Tracked, RefusalOf<"unknown_user" | "client_disabled">>> {
  const { client, name, code } = asked;
  const now = powers.clock.now();
  const known = await whoIs(powers, asked, now);
  if (!known.ok) return known;
  const { user, enrolled } = known.value;
  const rule = actionRule(client.settings, code);
  const action = await powers.actions.track({
    clientId: client.id,
    userId: user.user.id,
    code,
    idempotencyKey: asked.idempotencyKey ?? powers.chance.uuid(),
    state: firstState(rule, mustMeet(countedFor(client, user, enrolled)), user.user.status === "locked"),
    stateAt: now,
    createdAt: now,
    context: { name, ...asked.context },
  });
  return action ? ok({ action, user, enrolled }) : no({ code: "unknown_user" });
}

/** The user and what they have enrolled: who is made now has nothing, and goes by the given names from the first row on. */
async function whoIs(
  powers: Powers,
  asked: Tracking,
  now: Instant,
): Promise<Result<Omit<Tracked, "action">, RefusalOf<"unknown_user" | "client_disabled">>> {
  const { client, name, names, by } = asked;
  const rows = rowsOf({ client, name }, [], names, now);
  const found = await findOrMakeUser(powers, client, name, rows.ok ? rows.value : [], by);
  if (!found.ok) return found;
  const { record, isNew } = found.value;
  if (isNew) return ok({ user: record, enrolled: NOTHING_ENROLLED });
  const [named, enrolled] = await Promise.all([
    giveNames(powers, client, record, names, by),
    enrolledOf(powers, record.user.id),
  ]);
  return ok({ user: named.ok ? named.value : record, enrolled });
}
