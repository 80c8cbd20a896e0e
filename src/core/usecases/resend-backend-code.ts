import { isOpen, mayBegin } from "../action/action.ts";
import type { BackendCode } from "../action/backend-code.ts";
import type { Client } from "../client/client.ts";
import type { ChallengeId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { CLOSED } from "./aim-backend-code.ts";
import { backendCodeAt, type Carried, type SendPowers, sendOnce } from "./backend-code.ts";

type Powers = SendPowers & Pick<Services, "rooms" | "actions">;

export type ResendAsked = {
  readonly client: Client;
  readonly challengeId: ChallengeId | undefined;
  /** What the call says beside the id must fit the challenge. */
  readonly fits: (carried: Carried) => boolean;
  readonly channel?: BackendCode["channel"] | undefined;
};

/**
 * Sends another code for a challenge that waits (`challenge` with a `challengeId`). Refused: `unknown_challenge` for what is over or
 * another's, `malformed` when the call speaks of something else, an action that takes no challenge any more, what `sendActionCode`
 * refuses.
 */
export async function resendBackendCode(
  powers: Powers,
  asked: ResendAsked,
): Promise<Result<Carried, Refusal>> {
  const { client, channel } = asked;
  const carried = await backendCodeAt(powers, client.id, asked.challengeId);
  if (carried?.snapshot.view.state !== "pending") return no({ code: "unknown_challenge" });
  if (!asked.fits(carried)) return no({ code: "malformed", detail: "challengeId: of another challenge" });
  if (!(await isStillOpen(powers, client, carried))) return CLOSED;
  const { snapshot, code } = carried;
  const sent = await sendOnce(powers, client, {
    snapshot,
    code: { ...code, channel: channel ?? code.channel },
  });
  return sent.ok ? ok(carried) : sent;
}

async function isStillOpen(
  powers: Pick<Services, "actions">,
  client: Client,
  { snapshot: { spec } }: Carried,
): Promise<boolean> {
  const { action, idem } = spec.context;
  const code = String(action);
  if (spec.userId === undefined) return mayBegin(client.settings.actions?.[code]);
  const key = { clientId: client.id, userId: spec.userId, code, idempotencyKey: String(idem) };
  const row = await powers.actions.find(key);
  return row !== undefined && isOpen(row.state);
}
