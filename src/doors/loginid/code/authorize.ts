import type { Client } from "../../../core/client/client.ts";
import { userSubject } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";
import { type CodeContext, findUserCode } from "./user-code.ts";

export type CodeAuthorization = Omit<CodeContext, "userId"> & {
  readonly user: UserRecord;
  readonly code: string;
  readonly client: Client;
  readonly nonce: NonceUse;
  readonly ip?: string | undefined;
};

type Powers = Parameters<typeof findUserCode>[0] & Pick<Services, "proofs">;

/**
 * A backend says that the user has carried this code to a device where they are signed in: its token is the proof of the
 * decision. The code names its challenge, so a prompt that a newer one superseded, or that was kept from the user, does not stand
 * in the way. Approving again what is approved is a success (settled question 16), also when the approval redeemed a held wait: for as
 * long as the redemption may be repeated, by the same backend, whose answer may have been lost. Answers when the code ends and when it
 * was approved first. Refused: what finding the code refuses, `user_locked`.
 */
export async function authorizeCode(
  powers: Powers,
  asked: CodeAuthorization,
): Promise<Result<{ readonly expiresAt: Instant; readonly completedAt: Instant }, Refusal>> {
  const { user, kind, purpose, code, client, nonce, ip } = asked;
  const userId = user.user.id;
  const guesser = { kind: "backend", clientId: client.id } as const;
  const found = await findUserCode(powers, { client, user, userId, kind, purpose, code, guesser, nonce, ip });
  if (!found.ok) return found;
  const { challengeId, expiresAt } = found.value.row;
  const approved = ({ timeline }: Snapshot) => {
    const step = timeline.findLast(({ what }) => what === "approved");
    return ok({ expiresAt, completedAt: step?.at ?? powers.clock.now() });
  };
  if (isRepeated(found.value.snapshot, client, powers.clock.now())) return approved(found.value.snapshot);
  const digest = await powers.handles.digest(["carried", challengeId, nonce.hash]);
  const proof = powers.proofs.vouch(user.user, {
    kind: "client",
    clientId: client.id,
    decision: "approve",
    digest,
    amr: ["client"],
  });
  if (!proof.ok) return proof;
  const closed = await powers.inboxes.settle(userSubject(userId), {
    challengeId,
    decision: "approve",
    digest,
  });
  const applied = await powers.challenges.apply(challengeId, {
    name: "approve",
    proof: proof.value,
    ...(closed.ok ? { promptedAt: closed.value.listedAt } : {}),
    ...(ip === undefined ? {} : { ip }),
  });
  if (applied.ok) return approved(applied.value);
  const { error } = applied;
  if (error.code === "already_decided" && error.winner === "approve") return approved(found.value.snapshot);
  return no(error.code === "expired" ? error : { code: "unknown_challenge" });
}

function isRepeated({ spec, view }: Snapshot, client: Client, now: Instant): boolean {
  if (view.state !== "redeemed" || !view.approval) return false;
  const { approver, at } = view.approval;
  return approver.kind === "client" && approver.clientId === client.id && now < at + spec.replayWindow;
}
