import type { Client } from "../../../core/client/client.ts";
import type { ChallengeId, UserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import { findNamedUser } from "../user/find.ts";
import type { BackendCode } from "./backend-code.ts";
import { type BackendChallenge, backendCodeAt } from "./read.ts";

export type BackendCodeSought = {
  readonly client: Client;
  readonly challengeId?: ChallengeId | undefined;
  /** The backend's own word for a user. */
  readonly name?: string | undefined;
  readonly action?: string | undefined;
  readonly method?: BackendCode["method"] | undefined;
};

type Powers = Pick<Services, "challenges" | "users" | "actions">;

/** Actions of a user that are looked through, newest first. */
const NEWEST = 10;

/** Whether it was sent for this user, or is theirs by a claim. */
async function isOf(
  { actions }: Powers,
  { snapshot: { spec } }: BackendChallenge,
  userId: UserId,
): Promise<boolean> {
  if (spec.userId !== undefined) return spec.userId === userId;
  const { clientId, context } = spec;
  const key = { clientId, userId, code: String(context.action), idempotencyKey: String(context.idem) };
  return (await actions.find(key))?.challengeId === spec.id;
}

/** The challenge that is meant, by its id or as a user's newest, while it waits or has been approved. All that is given must fit. */
export async function findBackendCode(
  powers: Powers,
  sought: BackendCodeSought,
): Promise<BackendChallenge | undefined> {
  const { client, challengeId, name, action } = sought;
  const clientId = client.id;
  const user = name === undefined ? undefined : await findNamedUser(powers, client, name);
  if (name !== undefined && !user) return undefined;
  const userId = user?.user.id;
  const fits = ({ snapshot: { spec, view }, code }: BackendChallenge): boolean =>
    (view.state === "pending" || view.approval !== undefined) &&
    (action === undefined || spec.context.action === action) &&
    (sought.method === undefined || code.method === sought.method);
  if (challengeId !== undefined) {
    const awaited = await backendCodeAt(powers, clientId, challengeId);
    if (!awaited || !fits(awaited)) return undefined;
    return userId === undefined || (await isOf(powers, awaited, userId)) ? awaited : undefined;
  }
  if (userId === undefined) return undefined;
  const codes = action === undefined ? {} : { codes: [action] };
  for (const row of await powers.actions.ofUser({ clientId, userId, size: NEWEST, ...codes })) {
    const awaited = await backendCodeAt(powers, clientId, row.challengeId);
    if (awaited && fits(awaited)) return awaited;
  }
  return undefined;
}
