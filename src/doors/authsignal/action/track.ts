import type { Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { actionRule } from "../../../core/client/settings.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";
import { countedFor, type Enrolled, enrolledIn, mustMeet, NOTHING_ENROLLED } from "../enrolment/enrolled.ts";
import { findNamedWithWays, findOrMakeUser } from "../user/find.ts";
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

type Powers = Pick<Services, "users" | "actions" | "clock" | "chance">;

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
  const identifiers = rows.ok ? rows.value : [];
  const known = await findOrMakeUser(powers, client, name, identifiers, by, findNamedWithWays);
  if (!known.ok) return known;
  if ("made" in known.value) return ok({ user: known.value.made, enrolled: NOTHING_ENROLLED });
  const { record, ...ways } = known.value.found;
  const named = await giveNames(powers, client, record, names, by);
  return ok({ user: named.ok ? named.value : record, enrolled: enrolledIn(ways) });
}
