import type { Client } from "../../../core/client/client.ts";
import { actionRule } from "../../../core/client/settings.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { isOpen, mayBegin } from "../action/action.ts";
import { CLOSED } from "./aim.ts";
import type { BackendCode } from "./backend-code.ts";
import { authenticatorOf, type BackendChallenge, backendCodeAt, type SendPowers, sendOnce } from "./read.ts";

type Powers = SendPowers & Pick<Services, "challenges" | "actions" | "users" | "authenticators">;

const REMOVED = { code: "not_allowed", detail: "the user has no such authenticator" } as const;

export type ResendAsked = {
  readonly client: Client;
  readonly challengeId: ChallengeId | undefined;
  /** What the call says beside the id must fit the challenge. */
  readonly fits: (awaited: BackendChallenge) => boolean;
  readonly channel?: BackendCode["channel"] | undefined;
};

/**
 * Sends another code for a challenge that waits (`challenge` with a `challengeId`). Refused: `unknown_challenge` for what is over or
 * another's, `malformed` when the call speaks of something else, an action that takes no challenge any more, `user_locked`, an address
 * that was removed, what `sendActionCode` refuses.
 */
export async function resendBackendCode(
  powers: Powers,
  asked: ResendAsked,
): Promise<Result<BackendChallenge, Refusal>> {
  const { client, channel } = asked;
  const awaited = await backendCodeAt(powers, client.id, asked.challengeId);
  if (awaited?.snapshot.view.state !== "pending") return no({ code: "unknown_challenge" });
  if (!asked.fits(awaited)) return no({ code: "malformed", detail: "challengeId: of another challenge" });
  const closed = await closedBy(powers, client, awaited);
  if (closed) return no(closed);
  const { snapshot, code } = awaited;
  const sent = await sendOnce(powers, client, {
    snapshot,
    code: { ...code, channel: channel ?? code.channel },
  });
  return sent.ok ? ok(awaited) : sent;
}

/** Why no further code is sent, though the challenge waits. */
async function closedBy(
  powers: Powers,
  client: Client,
  { snapshot: { spec }, code: sent }: BackendChallenge,
): Promise<Refusal | undefined> {
  const { action, idem } = spec.context;
  const code = String(action);
  const { userId } = spec;
  if (userId === undefined) return mayBegin(actionRule(client.settings, code)) ? undefined : CLOSED.error;
  const key = { clientId: client.id, userId, code, idempotencyKey: String(idem) };
  const [user, row] = await Promise.all([powers.users.byId(userId, client.realm), powers.actions.find(key)]);
  if (!user) return { code: "unknown_challenge" };
  if (user.user.status === "locked") return { code: "user_locked" };
  if (!row || !isOpen(row.state)) return CLOSED.error;
  return (await authenticatorOf(powers, client, userId, sent)) ? undefined : REMOVED;
}
