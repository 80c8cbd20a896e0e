import { noteRefusal } from "../../core/audit/note-refusal.ts";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../core/challenge/cancel.ts";
import type { Origin } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { checkCode, vouchForCode } from "../../core/code/prove.ts";
import { codeHash, codeSubject, proverIdOf } from "../../core/code/subject.ts";
import { MAIN } from "../../core/ids.ts";
import type { Snapshot } from "../../core/ports/challenges.ts";
import type { Services } from "../../core/ports/services.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { adoptUnlessHeld } from "../../core/user/adopt.ts";
import { VERIFY_IDENTIFIER, type Verification, verificationOf } from "./verification.ts";

type Powers = Pick<Services, "handles" | "proofs"> & Parameters<typeof adoptUnlessHeld>[0];

/** Whether the secret is that of a verification's link. Looking is not counted and changes nothing (T68). */
export async function isOfVerification(
  powers: Pick<Services, "inboxes" | "handles">,
  { spec }: Snapshot,
  { identifier }: Verification,
  secret: string,
): Promise<boolean> {
  const challengeId = spec.id;
  const hash = await codeHash(powers, { challengeId, identifier, purpose: VERIFY_IDENTIFIER, code: secret });
  const subject = await codeSubject(powers, spec.realm ?? MAIN, identifier);
  return await powers.inboxes.holdsCode(subject, { challengeId, hash });
}

/**
 * Takes the code that came back, typed or in its link, and approves the challenge with it for the user whose identifier it proves, found
 * or made now; of one that an anonymous call has claimed, the exchange says whose it is (docs/decisions/0055). Giving the right code again
 * is a success too: the challenge is decided once. Refused: `wrong_code`, `out_of_guesses` (the challenge is over then), `expired`,
 * `not_allowed` (the app named another user), what the challenge refuses.
 */
export async function finishVerification(
  powers: Powers,
  asked: {
    readonly snapshot: Snapshot;
    readonly client: Client;
    readonly code: string;
    readonly origin: Origin;
  },
): Promise<Result<Snapshot, Refusal>> {
  const { snapshot, client, code, origin } = asked;
  const { spec } = snapshot;
  const verification = verificationOf(spec);
  if (!verification) return no({ code: "unknown_challenge" });
  const { identifier, method, userId } = verification;
  const ip = origin.ip === undefined ? {} : { ip: origin.ip };
  const checked = await checkCode(powers, {
    spec,
    identifier,
    purpose: VERIFY_IDENTIFIER,
    code,
  });
  if (!checked.ok) {
    const { code: reason } = checked.error;
    // One row for the address and not for each of its challenges: strangers begin those.
    const subject = await codeSubject(powers, spec.realm ?? MAIN, identifier);
    noteRefusal(powers, { type: "code_refused", subject, clientId: spec.clientId, reason, ...ip });
    if (reason === "out_of_guesses") await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
    return checked;
  }
  const adopted = await adoptUnlessHeld(powers, {
    identifier,
    client,
    origin,
    ...(userId === undefined ? {} : { userId }),
  });
  if (!adopted.ok) return adopted;
  // The one who claimed it shows at the exchange that it was them; until then it is nobody's.
  const prover = adopted.value?.user ?? { id: await proverIdOf(powers, spec.id), status: "active" as const };
  const proof = vouchForCode(powers, prover, { ...checked.value, amr: [method] });
  if (!proof.ok) return proof;
  const applied = await powers.challenges.apply(spec.id, { name: "approve", proof: proof.value, ...ip });
  if (applied.ok) return ok(applied.value);
  const isDone = applied.error.code === "already_decided" && applied.error.winner === "approve";
  const settled = isDone ? await powers.challenges.read(spec.id) : undefined;
  return settled ? ok(settled) : applied;
}
