import type { AuditEvent } from "../../../core/audit/event.ts";
import { auditEvent } from "../../../core/audit/record.ts";
import type { VerifiedProof } from "../../../core/challenge/proof.ts";
import type { JsonObject } from "../../../core/challenge/state.ts";
import type { ChallengeId, ClientId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { ok, type Result } from "../../../core/result.ts";
import type { User } from "../../../core/user/user.ts";

/** What is approved from birth, for whom, and on whose word: the client's own, unless a proof is given. */
export type Preapproval = {
  readonly challengeId: ChallengeId;
  readonly clientId: ClientId;
  readonly user: User;
  readonly by?: VerifiedProof | undefined;
  readonly ip?: string | undefined;
};

/** The audit row of what nobody will be asked about (LoginID §9.5). */
export const preapprovalEvent = (
  powers: Parameters<typeof auditEvent>[0],
  asked: Preapproval & { readonly type: string; readonly data: JsonObject },
): AuditEvent =>
  auditEvent(powers, {
    type: asked.type,
    actor: asked.by?.kind === "device" ? `device:${asked.by.deviceId}` : `client:${asked.clientId}`,
    userId: asked.user.id,
    clientId: asked.clientId,
    ip: asked.ip,
    data: { challenge_id: asked.challengeId, ...asked.data },
  });

/** Approves a challenge that has just been opened. Refused: what no proof is given for, and what the challenge refuses. */
export async function preapprove(
  powers: Pick<Services, "challenges" | "proofs" | "handles">,
  { challengeId, clientId, user, by, ip }: Preapproval,
): Promise<Result<undefined, Refusal>> {
  const digest = await powers.handles.digest(["carried", challengeId, "preauthorized"]);
  const word = { kind: "client", clientId, decision: "approve", digest, amr: ["client"] } as const;
  const proof = by ? ok(by) : powers.proofs.vouch(user, word);
  if (!proof.ok) return proof;
  const applied = await powers.challenges.apply(challengeId, {
    name: "approve",
    proof: proof.value,
    ...(ip === undefined ? {} : { ip }),
  });
  return applied.ok ? ok(undefined) : applied;
}
