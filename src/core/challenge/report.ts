import { auditEvent, recordEvent } from "../audit/record.ts";
import type { Caller } from "../caller.ts";
import { type ChallengeId, type ClientId, type UserId, userSubject } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import type { Result } from "../result.ts";

export type Reported = {
  readonly userId: UserId;
  readonly clientId: ClientId;
  readonly challengeId: ChallengeId;
  /** Whoever began it, who puts nothing before this person for a while (T02). */
  readonly caller: Caller;
  readonly ip?: string | undefined;
};

/**
 * A person says that somebody else began this: whoever did is silenced, and once `decide` has taken the no, it is put on record and told to
 * the client's webhook. The silence goes first: where one of both fails the answer can be given again, and after a no it could not. So
 * it holds too where the request is over already.
 */
export async function reportSignIn<T>(
  powers: Pick<Services, "inboxes" | "records" | "events" | "clock" | "chance" | "background">,
  { userId, clientId, challengeId, caller, ip }: Reported,
  decide: () => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  await powers.inboxes.silence(userSubject(userId), { clientId, caller });
  const decided = await decide();
  if (!decided.ok) return decided;
  const event = auditEvent(powers, {
    type: "sign_in.reported",
    actor: `user:${userId}`,
    userId,
    clientId,
    ...(ip === undefined ? {} : { ip }),
    data: { challenge_id: challengeId },
  });
  await recordEvent(powers, event);
  powers.background(() => powers.events.send({ kind: "webhook", clientId, event }));
  return decided;
}
