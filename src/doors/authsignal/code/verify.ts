import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import { approveByCode, proveCode } from "../../../core/code/prove.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { keyOf } from "../action/action.ts";
import type { AwaitedCode, CodeBearer, VerifiedActionCode } from "./challenge.ts";
import { finishCodeEnrolment } from "./finish-enrolment.ts";
import { authenticatorFor, lastAsked } from "./last-asked.ts";

export type TypedActionCode = CodeBearer & { readonly code: string };

type Powers = Pick<Services, "actions" | "authenticators" | "background" | "clock"> &
  Parameters<typeof lastAsked>[0] &
  Parameters<typeof proveCode>[0] &
  Parameters<typeof finishCodeEnrolment>[0] &
  Parameters<typeof noteRefusal>[0] &
  Parameters<typeof withdrawChallenge>[0];

/**
 * Takes the code that was typed back for what the action's page asked for last: to meet the action, or to enrol an address
 * (Authsignal §9.2). Guesses are counted before anything is compared; once they are used up the challenge is over and its action has
 * failed. The right code again is a success too, and changes nothing. Refused: `unknown_challenge` when no code is waited for,
 * `wrong_code`, `expired`, `out_of_guesses`, what an enrolment refuses.
 */
export async function verifyActionCode(
  powers: Powers,
  asked: TypedActionCode,
): Promise<Result<VerifiedActionCode, Refusal>> {
  const { awaited, isExhausted } = await lastAsked(powers, asked);
  if (isExhausted) return no({ code: "out_of_guesses" });
  const of = awaited && (await authenticatorFor(powers, asked, awaited));
  if (!awaited || of === undefined) return no({ code: "unknown_challenge" });
  const proof = await proveCode(powers, asked.user.user, {
    spec: awaited.snapshot.spec,
    identifier: awaited.identifier,
    purpose: awaited.use,
    code: asked.code,
    authenticator: of,
  });
  if (!proof.ok) {
    await noteWrong(powers, asked, awaited, proof.error.code);
    return proof;
  }
  const approve = () => approveByCode(powers, awaited.snapshot, proof.value, asked.origin.ip);
  if (awaited.use === "authsignal_enrol") {
    return await finishCodeEnrolment(powers, asked, awaited, approve);
  }
  const approved = await approve();
  if (!approved.ok) return approved;
  powers.background(() => powers.authenticators.touch(asked.user.user.id, of, powers.clock.now()));
  return ok({ snapshot: approved.value, meets: true });
}

async function noteWrong(
  powers: Powers,
  { action, client, user, origin: { ip } }: CodeBearer,
  { snapshot, use }: AwaitedCode,
  reason: string,
): Promise<void> {
  const { id } = snapshot.spec;
  const from = ip === undefined ? {} : { ip };
  const userId = user.user.id;
  noteRefusal(powers, { type: "code_refused", subject: id, userId, clientId: client.id, reason, ...from });
  if (reason !== "out_of_guesses" || snapshot.view.state !== "pending") return;
  await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
  if (use === "authsignal_action") await powers.actions.fail(keyOf(action), id, powers.clock.now());
}
