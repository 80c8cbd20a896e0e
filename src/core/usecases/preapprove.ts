import type { AuditEvent } from "../audit.ts";
import type { VerifiedProof } from "../challenge/proof.ts";
import type { JsonObject } from "../challenge/state.ts";
import type { ChallengeId, ClientId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { ok, type Result } from "../result.ts";
import type { User } from "../user/user.ts";
import { auditEvent } from "./audit-event.ts";

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
  powers: Pick<Services, "rooms" | "proofs" | "handles">,
  { challengeId, clientId, user, by, ip }: Preapproval,
): Promise<Result<undefined, Refusal>> {
  const digest = await powers.handles.digest(["carried", challengeId, "preauthorized"]);
  const word = { kind: "client", clientId, decision: "approve", digest, amr: ["client"] } as const;
  const proof = by ? ok(by) : powers.proofs.vouch(user, word);
  if (!proof.ok) return proof;
  const applied = await powers.rooms.apply(challengeId, {
    name: "approve",
    proof: proof.value,
    ...(ip === undefined ? {} : { ip }),
  });
  return applied.ok ? ok(undefined) : applied;
}
