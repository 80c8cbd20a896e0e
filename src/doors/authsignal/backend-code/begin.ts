import { type ChallengeSpec, CONTEXT_LIMIT } from "../../../core/challenge/state.ts";
import { aboutForBackend, countStart } from "../../../core/challenge/take-start.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import { identifierIdOf } from "../../../core/code/subject.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { keyOf } from "../action/action.ts";
import { beganBefore } from "../action/end-other-ways.ts";
import { purposeOf } from "../push/begin.ts";
import { type Aim, aimBackendCode, type BackendCodeAsked, CLOSED } from "./aim.ts";
import { type BackendCode, backendCodeContext } from "./backend-code.ts";
import { type BackendChallenge, backendCodeAt, type SendPowers, sendOnce } from "./read.ts";

type Powers = SendPowers &
  Pick<Services, "challenges" | "users" | "devices" | "authenticators" | "actions" | "records">;

/**
 * Sends a code on a backend's word (Authsignal §9.1, `challenge`). With a name it is for that user's action, which is put on record as
 * `track` does; without one for nobody yet. A repeated call with the same idempotency key is the same challenge while that waits. Refused: an
 * action that takes no challenge, a locked user, an address that is neither enrolled nor may be, what `sendActionCode` refuses. Whatever
 * is refused leaves nothing pending.
 */
export async function beginBackendCode(
  powers: Powers,
  asked: BackendCodeAsked,
): Promise<Result<BackendChallenge, Refusal>> {
  const aim = await aimBackendCode(powers, asked);
  if (!aim.ok) return aim;
  const { id, standing } = await placeOf(powers, asked, aim.value);
  if (standing) {
    const late = await completeStart(powers, asked.client, standing, aim.value);
    return late ? no(late) : ok(standing);
  }
  const limited = await countStart(
    powers,
    asked.client,
    { brought: "secret" },
    await aboutOf(powers, aim.value),
  );
  if (limited) return no(limited);
  const code = codeOf(asked, aim.value);
  const spec = specOf(powers, asked, { id, aim: aim.value, code });
  if (JSON.stringify(spec.context).length > CONTEXT_LIMIT) return no({ code: "malformed", detail: "custom" });
  const opened = await powers.challenges.open(spec);
  if (!opened.ok) {
    // The same call opened it a moment ago.
    const winner = await backendCodeAt(powers, asked.client.id, id);
    return winner ? ok(winner) : no({ code: "unknown_challenge" });
  }
  const begun = { snapshot: opened.value, code };
  const refusal = await completeStart(powers, asked.client, begun, aim.value);
  if (!refusal) return ok(begun);
  await powers.challenges.apply(id, { name: "cancel", by: "start_refused" });
  return no(refusal);
}

/** The user, or the one address where nobody is known yet. */
const aboutOf = async (powers: Pick<Services, "handles">, { user, identifier }: Aim): Promise<string> =>
  aboutForBackend(user ? user.user.id : await identifierIdOf(powers, identifier));

/** Challenges that one idempotency key begins, one after the other, while each can still be asked about. */
const ATTEMPTS = 8;

/**
 * Where the challenge of this call belongs: the one that the same call has begun and that still waits, or a place for a new one. Calls
 * without an idempotency key are all different.
 */
async function placeOf(
  powers: Powers,
  { client, idempotencyKey, action, method }: BackendCodeAsked,
  { identifier, user, use }: Aim,
): Promise<{ readonly id: ChallengeId; readonly standing?: BackendChallenge }> {
  if (idempotencyKey === undefined) return { id: powers.challenges.fresh() };
  const about = ["backend_code", client.id, user?.user.id ?? "", action, idempotencyKey, method, use];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const id = powers.challenges.named(
      await powers.handles.pepper([...about, String(attempt)], identifier.normal),
    );
    const standing = await backendCodeAt(powers, client.id, id);
    if (!standing) return { id };
    if (standing.snapshot.view.state === "pending") return { id, standing };
  }
  return { id: powers.challenges.fresh() };
}

const codeOf = (asked: BackendCodeAsked, { use, identifier, locale, action }: Aim): BackendCode => ({
  use,
  identifier: { kind: identifier.kind, value: identifier.value, normal: identifier.normal },
  method: asked.method,
  channel: asked.channel,
  locale,
  mayAdd: asked.mayAdd,
  meets: action !== undefined,
});

function specOf(
  powers: Pick<Services, "chance" | "clock">,
  asked: BackendCodeAsked,
  { id, aim, code }: { readonly id: ChallengeId; readonly aim: Aim; readonly code: BackendCode },
): ChallengeSpec {
  const now = powers.clock.now();
  const { ip, userAgent, deviceId, custom } = asked.context;
  return {
    id,
    door: "authsignal",
    ...askerOf(asked.client),
    purpose: purposeOf(asked.action),
    ...(aim.user ? { userId: aim.user.user.id } : {}),
    scope: "action",
    requiresClaim: false,
    nonce: powers.chance.text(16),
    context: {
      action: asked.action,
      idem: aim.idempotencyKey,
      ...(asked.name === undefined ? {} : { name: asked.name }),
      ...(deviceId === undefined ? {} : { device_id: deviceId }),
      // A tracked action's row has it; of what is claimed later nothing else knows it.
      ...(custom === undefined || aim.user ? {} : { custom }),
      ...backendCodeContext(code),
      ...(aim.action ? beganBefore(aim.action) : {}),
    },
    origin: { ...(ip === undefined ? {} : { ip }), ...(userAgent === undefined ? {} : { userAgent }) },
    brought: "secret",
    createdAt: now,
    expiresAt: now + asked.lifetime,
    redeemWindow: asked.redeemWindow,
    replayWindow: asked.replayWindow,
  };
}

/** What a challenge must still pass to count as begun; the refusal when it does not. */
async function completeStart(
  powers: Powers,
  client: Client,
  begun: BackendChallenge,
  { action }: Aim,
): Promise<Refusal | undefined> {
  const sent = await sendOnce(powers, client, begun);
  if (!sent.ok) return sent.error;
  if (!action) return undefined;
  const { id } = begun.snapshot.spec;
  return (await powers.actions.begin(keyOf(action), id, powers.clock.now())) ? undefined : CLOSED.error;
}
