import type { Context } from "hono";
import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { Client } from "../../../core/client/client.ts";
import { approveByCode, checkCode, vouchForCode } from "../../../core/code/prove.ts";
import { codeSubject } from "../../../core/code/subject.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import type { Result } from "../../../core/result.ts";
import { adoptIdentifier } from "../../../core/user/adopt.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { SIGN_IN_CODE } from "./start.ts";

/**
 * Takes the code that was typed, and approves the sign-in for whoever has proven the address before, or for a new user. Whoever only claimed
 * it is not asked: on this page nobody can show that they did (docs/decisions/0014). Refused: `wrong_code`, `out_of_guesses` (the sign-in is
 * over then), `expired`, `user_locked`, what the challenge refuses.
 */
export async function proveSignIn(
  c: Context<AppEnv>,
  asked: {
    readonly client: Client;
    readonly snapshot: Snapshot;
    readonly identifier: ReadIdentifier;
    readonly code: string;
  },
): Promise<Result<Snapshot, Refusal>> {
  const powers = services(c);
  const { client, snapshot, identifier, code } = asked;
  const { spec } = snapshot;
  const origin = originOf(c);
  const checked = await checkCode(powers, { spec, identifier, purpose: SIGN_IN_CODE, code });
  if (!checked.ok) {
    noteRefusal(powers, {
      type: "code_refused",
      subject: await codeSubject(powers, client.realm, identifier),
      clientId: client.id,
      reason: checked.error.code,
      ...(origin.ip === undefined ? {} : { ip: origin.ip }),
    });
    if (checked.error.code === "out_of_guesses") await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
    return checked;
  }
  const adopted = await adoptIdentifier(powers, { identifier, client, origin, began: spec.createdAt });
  if (!adopted.ok) return adopted;
  const proof = vouchForCode(powers, adopted.value.user, { ...checked.value, amr: ["otp"] });
  return proof.ok ? await approveByCode(powers, snapshot, proof.value, origin.ip) : proof;
}
