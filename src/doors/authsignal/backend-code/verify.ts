import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import type { Requester } from "../../../core/audit/record.ts";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import type { Client } from "../../../core/client/client.ts";
import { checkCode, vouchForCode } from "../../../core/code/prove.ts";
import { type ChallengeId, NOBODY } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Prover } from "../../../core/ports/secrets.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal, RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type Action, isOpen, mayBeMet } from "../action/action.ts";
import { settleAction } from "../action/settle.ts";
import type { EnrolledAddress } from "../enrolment/address.ts";
import { type BackendCode, codePurpose } from "./backend-code.ts";
import { enrolBackendCode } from "./enrol.ts";
import { authenticatorOf, type BackendChallenge, backendCodeAt } from "./read.ts";

export type TypedBackendCode = {
  readonly client: Client;
  readonly challengeId: ChallengeId | undefined;
  readonly code: string;
  readonly by: Requester;
};

/**
 * What became of a code that was typed back; a wrong one is an answer, not a refusal. What it has enrolled stays so, also when the
 * client then vetoes.
 */
export type BackendCodeVerdict =
  | { readonly outcome: "wrong" | "exhausted" | "vetoed"; readonly enrolled?: EnrolledAddress }
  | { readonly outcome: "right"; readonly code: BackendCode; readonly enrolled?: EnrolledAddress };

type Powers = Pick<Services, "actions" | "clock" | "challenges" | "users"> &
  Parameters<typeof checkCode>[0] &
  Parameters<typeof vouchForCode>[0] &
  Parameters<typeof enrolBackendCode>[0] &
  Parameters<typeof settleAction>[0] &
  Parameters<typeof noteRefusal>[0];
type Verdict = Result<BackendCodeVerdict, Refusal>;

/** Whose proof it is that a code came back while nobody is named. */
const NOBODYS: Prover = { id: NOBODY, status: "active" };

const WRONG: Verdict = ok({ outcome: "wrong" });
const EXHAUSTED: Verdict = ok({ outcome: "exhausted" });

/**
 * Checks a code that a backend was given (Authsignal §9.1, `verify`). Guesses are counted for the challenge; once they are used up that is
 * over and its action has failed. A right one approves the challenge, enrols the address if it was sent for that, and settles the user's
 * action; the right one again is right again. Refused: `unknown_challenge`, `user_locked`, what enrolling refuses.
 */
export async function verifyBackendCode(powers: Powers, asked: TypedBackendCode): Promise<Verdict> {
  const awaited = await backendCodeAt(powers, asked.client.id, asked.challengeId);
  if (!awaited) return no({ code: "unknown_challenge" });
  const { spec, view, timeline } = awaited.snapshot;
  if (view.state === "cancelled" && timeline.at(-1)?.by === OUT_OF_ATTEMPTS) return EXHAUSTED;
  if (view.state !== "pending" && view.approval === undefined) return WRONG;
  const person = spec.userId === undefined ? undefined : await personOf(powers, asked.client, awaited);
  if (person && !person.ok) return person;
  const of = person && (await authenticatorFor(powers, asked.client, person.value, awaited));
  if (person && of === undefined) return WRONG;
  const checked = await checkCode(powers, {
    spec,
    identifier: awaited.code.identifier,
    purpose: codePurpose(awaited.code),
    code: asked.code,
  });
  if (!checked.ok) return await refused(powers, asked, awaited, checked.error.code);
  const identifierId = of ?? checked.value.identifierId;
  const proof = vouchForCode(powers, person?.value.user.user ?? NOBODYS, { ...checked.value, identifierId });
  if (!proof.ok) return proof;
  if (person) return await meet(powers, asked, { ...person.value, awaited, proof: proof.value });
  return (await approve(powers, asked, awaited, proof.value))
    ? ok({ outcome: "right", code: awaited.code })
    : WRONG;
}

type Person = { readonly user: UserRecord; readonly action: Action };

/** The user of a challenge, and the action that it was begun for. */
async function personOf(
  powers: Powers,
  client: Client,
  { snapshot: { spec } }: BackendChallenge,
): Promise<Result<Person, RefusalOf<"unknown_challenge" | "user_locked">>> {
  const { clientId, userId, context } = spec;
  const user = userId && (await powers.users.byId(userId, client.realm));
  if (!user) return no({ code: "unknown_challenge" });
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const key = { clientId, userId, code: String(context.action), idempotencyKey: String(context.idem) };
  const action = await powers.actions.find(key);
  return action ? ok({ user, action }) : no({ code: "unknown_challenge" });
}

/**
 * An action that is blocked, under review or failed meanwhile is met by no code, and an address that was removed meanwhile meets nothing.
 * What meets nothing may be enrolled also for one that failed. Answers the id of the authenticator that the code is of.
 */
async function authenticatorFor(
  powers: Powers,
  client: Client,
  { user, action }: Person,
  { code }: BackendChallenge,
): Promise<string | undefined> {
  if (!mayBeMet(action.state) && (code.meets || action.state !== "challenge_failed")) return undefined;
  return await authenticatorOf(powers, client, user.user.id, code);
}

/** The right code of a user's: enrolled before anything says so, then approved, then the action is brought along. */
async function meet(
  powers: Powers,
  asked: TypedBackendCode,
  {
    user,
    action,
    awaited,
    proof,
  }: Person & { readonly awaited: BackendChallenge; readonly proof: VerifiedProof },
): Promise<Verdict> {
  const enrolled = await enrolBackendCode(powers, { ...asked, user, awaited });
  if (!enrolled.ok) return enrolled;
  const did = enrolled.value ? { enrolled: enrolled.value } : {};
  const approved = await approve(powers, asked, awaited, proof);
  if (!approved) return ok({ outcome: "wrong", ...did });
  const { code } = awaited;
  const takesCourse = action.state === "allow" || action.state === "challenge_succeeded";
  const settles = code.meets && (code.use === "meet" || takesCourse);
  const isVetoed = settles && !(await isMet(powers, asked.client, action, approved));
  return isVetoed ? ok({ outcome: "vetoed", ...did }) : ok({ outcome: "right", code, ...did });
}

/** Approved by this code, now or before; undefined for what ended otherwise. */
async function approve(
  powers: Pick<Services, "challenges">,
  { by: { ip } }: TypedBackendCode,
  { snapshot: { spec } }: BackendChallenge,
  proof: VerifiedProof,
): Promise<Snapshot | undefined> {
  const from = ip === undefined ? {} : { ip };
  const applied = await powers.challenges.apply(spec.id, { name: "approve", proof, ...from });
  const after = applied.ok ? applied.value : await powers.challenges.read(spec.id);
  return after?.view.approval ? after : undefined;
}

/** Brings the action along; false when the client's webhook vetoed, or another word had failed it. */
async function isMet(powers: Powers, client: Client, action: Action, approved: Snapshot): Promise<boolean> {
  if (!isOpen(action.state)) return action.state === "challenge_succeeded";
  return (await settleAction(powers, client, action, approved)).state === "challenge_succeeded";
}

async function refused(
  powers: Powers,
  { client, by: { ip } }: TypedBackendCode,
  { snapshot, code }: BackendChallenge,
  reason: string,
): Promise<Verdict> {
  const { id, clientId, userId, context } = snapshot.spec;
  const from = ip === undefined ? {} : { ip };
  const whose = userId === undefined ? {} : { userId };
  noteRefusal(powers, { type: "code_refused", subject: id, clientId: client.id, reason, ...whose, ...from });
  if (reason !== "out_of_guesses") return WRONG;
  if (snapshot.view.state !== "pending") return EXHAUSTED;
  await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
  if (userId !== undefined && code.meets) {
    const key = { clientId, userId, code: String(context.action), idempotencyKey: String(context.idem) };
    await powers.actions.fail(key, id, powers.clock.now());
  }
  return EXHAUSTED;
}
