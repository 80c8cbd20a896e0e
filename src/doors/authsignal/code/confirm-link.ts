import { noteRefusal } from "../../../core/audit/note-refusal.ts";
import { finishedEvent, recordFinish } from "../../../core/challenge/record.ts";
import type { Origin } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { checkCode } from "../../../core/code/prove.ts";
import { codeHash, codeSubject } from "../../../core/code/subject.ts";
import { MAIN } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { AwaitedCode, CodeBearer, VerifiedActionCode } from "./challenge.ts";
import { finishCodeEnrolment } from "./finish-enrolment.ts";
import { authenticatorFor, lastAsked } from "./last-asked.ts";

type Powers = Pick<
  Services,
  | "challenges"
  | "inboxes"
  | "users"
  | "authenticators"
  | "records"
  | "handles"
  | "proofs"
  | "clock"
  | "events"
  | "background"
  | "log"
>;

/**
 * Whether the secret is that of the link. Looking is not counted and changes nothing (T68); what the page shows, the address above all,
 * is for nobody else: whoever asked for the link knows its challenge's id too.
 */
export async function isOfLink(
  powers: Pick<Services, "inboxes" | "handles">,
  { snapshot, identifier, use }: AwaitedCode,
  secret: string,
): Promise<boolean> {
  const challengeId = snapshot.spec.id;
  const hash = await codeHash(powers, { challengeId, identifier, purpose: use, code: secret });
  const subject = await codeSubject(powers, snapshot.spec.realm ?? MAIN, identifier);
  return await powers.inboxes.holdsCode(subject, { challengeId, hash });
}

const SAID: Readonly<Record<"approve" | "deny", readonly string[]>> = {
  approve: ["approved", "redeemed"],
  deny: ["denied"],
};

/**
 * The reader's yes or no to a link of the Authsignal door, with the link's secret. Yes approves the challenge, and the page that asked
 * collects; no is a denial, and its action has failed. The same word again changes nothing. Refused: `wrong_code`, `expired`, an address
 * that meets nothing any more (`unknown_challenge`), `user_locked` for a yes, what the challenge refuses.
 */
export async function confirmLink(
  powers: Powers,
  asked: {
    readonly awaited: AwaitedCode;
    readonly client: Client;
    readonly secret: string;
    readonly decision: "approve" | "deny";
    readonly origin: Origin;
  },
): Promise<Result<Snapshot, Refusal>> {
  const { snapshot, identifier, use } = asked.awaited;
  const { id, clientId, userId } = snapshot.spec;
  if (userId === undefined) return no({ code: "unknown_challenge" });
  const ip = asked.origin.ip === undefined ? {} : { ip: asked.origin.ip };
  const typed = { spec: snapshot.spec, identifier, purpose: use, code: asked.secret };
  const checked = await checkCode(powers, typed);
  if (!checked.ok) {
    const reason = checked.error.code;
    noteRefusal(powers, { type: "code_refused", subject: id, userId, clientId, reason, ...ip });
    return checked;
  }
  const { identifierId, digest } = checked.value;
  const meets = use === "authsignal_action" && asked.decision === "approve";
  const [user, standing] = await Promise.all([
    powers.users.byId(userId, asked.client.realm),
    meets ? powers.authenticators.find(userId, identifierId) : undefined,
  ]);
  if (!user || (meets && !standing)) return no({ code: "unknown_challenge" });
  const { decision } = asked;
  const words = { kind: "code", identifierId, decision, digest, amr: ["link"] } as const;
  const proof = powers.proofs.vouch(user.user, words);
  if (!proof.ok) return proof;
  const applied = await powers.challenges.apply(id, { name: decision, proof: proof.value, ...ip });
  if (!applied.ok) {
    // Pressed twice, or an answer was lost: the same word again is told the same.
    const now = await powers.challenges.read(id);
    return now && SAID[decision].includes(now.view.state) ? ok(now) : applied;
  }
  if (applied.value.changed && decision === "deny") {
    await recordFinish(powers, id, finishedEvent(applied.value));
  }
  return ok(applied.value);
}

type FinalizePowers = Parameters<typeof lastAsked>[0] &
  Parameters<typeof authenticatorFor>[0] &
  Parameters<typeof finishCodeEnrolment>[0];

/**
 * What became of the link that the action's page asked for last. Asking while nobody has confirmed it writes nothing. An enrolment is
 * finished here, where the token is, and not by whoever opened the link. Refused: `not_approved` while it waits, `unknown_challenge`
 * when none is waited for, what an enrolment refuses.
 */
export async function finalizeLink(
  powers: FinalizePowers,
  asked: CodeBearer,
): Promise<Result<VerifiedActionCode, Refusal>> {
  const { awaited } = await lastAsked(powers, asked);
  if (!awaited) return no({ code: "unknown_challenge" });
  const { snapshot, use } = awaited;
  if (snapshot.view.state === "pending") return no({ code: "not_approved" });
  if (!(await authenticatorFor(powers, asked, awaited))) return no({ code: "unknown_challenge" });
  if (use === "authsignal_action") return ok({ snapshot, meets: true });
  return await finishCodeEnrolment(powers, asked, awaited, async () => ok(snapshot));
}
