import type { VerifiedProof } from "../challenge/proof.ts";
import type { ChallengeSpec } from "../challenge/state.ts";
import { MAIN } from "../ids.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Prover } from "../ports/secrets.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { ok, type Result } from "../result.ts";
import { plainCode } from "../typed-text.ts";
import type { ReadIdentifier } from "../user/identifier.ts";
import { codeHash, codeSubject, identifierIdOf } from "./subject.ts";

export type TypedCode = {
  /** Of the challenge that the code was sent for. */
  readonly spec: Pick<ChallengeSpec, "id" | "realm">;
  readonly identifier: ReadIdentifier;
  /** The purpose that the code was sent for. */
  readonly purpose: string;
  /** What was typed, or the secret of the link; blanks and dashes between digits do not matter. */
  readonly code: string;
};

type Refused = RefusalOf<"wrong_code" | "out_of_guesses" | "expired">;
type Powers = Pick<Services, "inboxes" | "handles">;

const LONGEST = 128;

/**
 * Checks a code that was typed back. A wrong guess is counted for its challenge, on through every new code (T60-T63), and for
 * nothing else. Refused: `wrong_code` with the guesses left, `out_of_guesses` once there are none and the caller must end the
 * challenge, `expired` when no code of this challenge is good any more. Answers what a proof may then be vouched with.
 */
export async function checkCode(
  powers: Powers,
  typed: TypedCode,
): Promise<Result<{ readonly identifierId: string; readonly digest: string }, Refused>> {
  const { spec, identifier, purpose } = typed;
  const challengeId = spec.id;
  const hash = await codeHash(powers, {
    challengeId,
    identifier,
    purpose,
    code: plainCode(typed.code.slice(0, LONGEST)),
  });
  const subject = await codeSubject(powers, spec.realm ?? MAIN, identifier);
  const tried = await powers.inboxes.tryCode(subject, { challengeId, hash });
  if (!tried.ok) return tried;
  return ok({
    identifierId: await identifierIdOf(powers, identifier),
    digest: await powers.handles.digest(["code", challengeId, hash]),
  });
}

/**
 * `checkCode`, and the proof of kind `code` for this user: what approves the challenge. `amr` as RFC 8176 names it, `otp` unless
 * the code came back in a link.
 */
export async function proveCode(
  powers: Powers & Pick<Services, "proofs">,
  prover: Prover,
  typed: TypedCode & {
    readonly amr?: readonly string[];
    /** The prover's own authenticator of the address; the identifier's id when it is missing. */
    readonly authenticator?: string;
  },
): Promise<Result<VerifiedProof, Refused | RefusalOf<"user_locked">>> {
  const checked = await checkCode(powers, typed);
  if (!checked.ok) return checked;
  const identifierId = typed.authenticator ?? checked.value.identifierId;
  return vouchForCode(powers, prover, { ...typed, ...checked.value, identifierId });
}

/** The proof for a code that `checkCode` found right. */
export const vouchForCode = (
  powers: Pick<Services, "proofs">,
  prover: Prover,
  checked: {
    readonly identifierId: string;
    readonly digest: string;
    readonly amr?: readonly string[];
  },
): Result<VerifiedProof, RefusalOf<"user_locked">> =>
  powers.proofs.vouch(prover, {
    kind: "code",
    identifierId: checked.identifierId,
    decision: "approve",
    digest: checked.digest,
    amr: checked.amr ?? ["otp"],
  });

/**
 * Approves a challenge with the code that was right. It is decided once: the right code again finds it approved, or redeemed, and is
 * a success, because an answer may have been lost (settled question 20). Refused: what ended otherwise.
 */
export async function approveByCode(
  powers: Pick<Services, "challenges">,
  { spec }: Snapshot,
  proof: VerifiedProof,
  ip: string | undefined,
): Promise<Result<Snapshot, Refusal>> {
  const from = ip === undefined ? {} : { ip };
  const applied = await powers.challenges.apply(spec.id, { name: "approve", proof, ...from });
  if (applied.ok) return applied;
  const standing = await powers.challenges.read(spec.id);
  const isDone = standing?.view.state === "approved" || standing?.view.state === "redeemed";
  return standing && isDone ? ok(standing) : applied;
}
