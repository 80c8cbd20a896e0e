import { type Action, type ActionContext, firstState } from "../action/action.ts";
import type { Client } from "../client/client.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Requester } from "./audit-event.ts";
import { type Enrolled, enrolledOf, isEnrolled } from "./enrolled-methods.ts";
import { ensureNamedUser } from "./find-named-user.ts";
import { type GivenNames, giveNames } from "./give-names.ts";

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
  "users" | "devices" | "authenticators" | "actions" | "records" | "events" | "clock" | "chance"
>;

/**
 * Puts a security event on record and says what it takes (Authsignal §5). The user is made when unknown. The same key again is the
 * same action, as it stands. A name that is another user's is left out: a sign-in must not fail for it.
 */
export async function trackAction(powers: Powers, asked: Tracking): Promise<Tracked> {
  const { client, name, code } = asked;
  const found = await ensureNamedUser(powers, name, asked.by);
  const named = await giveNames(powers, found, asked.names, asked.by);
  const user = named.ok ? named.value : found;
  const enrolled = await enrolledOf(powers, user.user.id);
  const rule = client.settings.actions?.[code];
  const now = powers.clock.now();
  const action = await powers.actions.track({
    clientId: client.id,
    userId: user.user.id,
    code,
    idempotencyKey: asked.idempotencyKey ?? powers.chance.uuid(),
    state: firstState(rule, isEnrolled(enrolled), user.user.status === "locked"),
    stateAt: now,
    createdAt: now,
    context: { name, ...asked.context },
  });
  return { action, user, enrolled };
}
