import type { Client } from "../../../core/client/client.ts";
import { userSubject } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";
import { type CodeContext, lookAt, type PresentedCode, presentCode } from "./user-code.ts";

export type CodeAuthorization = Omit<CodeContext, "userId"> & {
  readonly user: UserRecord;
  readonly code: string;
  readonly client: Client;
  readonly nonce: NonceUse;
  readonly ip?: string | undefined;
};

type Powers = Parameters<typeof presentCode>[0] & Pick<Services, "proofs">;
type Authorized = Result<{ readonly expiresAt: Instant; readonly completedAt: Instant }, Refusal>;

/**
 * A backend says that the user has carried this code to a device where they are signed in: its token is the proof of the
 * decision. The code names its challenge, so a prompt that a newer one superseded, or that was kept from the user, does not stand
 * in the way: it closes while the challenge decides. Approving again what is approved is a success (settled question 16), also when the
 * approval redeemed a held wait: for as long as the redemption may be repeated, by the same backend, whose answer may have been lost.
 * Answers when the code ends and when it was approved first. Refused: what finding the code refuses, `user_locked`.
 */
export async function authorizeCode(powers: Powers, asked: CodeAuthorization): Promise<Authorized> {
  const { user, kind, purpose, code, client, nonce, ip } = asked;
  const userId = user.user.id;
  const guesser = { kind: "backend", clientId: client.id } as const;
  const found = await presentCode(powers, { client, user, userId, kind, purpose, code, guesser, nonce, ip });
  if (!found.ok) return found;
  const { row, holder, giveBack } = found.value;
  const { challengeId, expiresAt } = row;
  const digest = await powers.handles.digest(["carried", challengeId, nonce.hash]);
  const word = { kind: "client", clientId: client.id, decision: "approve", digest, amr: ["client"] } as const;
  const proof = powers.proofs.vouch(holder?.user ?? user.user, word);
  // What cannot be approved any more may have been approved before, so its challenge is looked at.
  const now = powers.clock.now();
  if (!proof.ok || now >= expiresAt) return await notNow(powers, client, found.value, proof);
  const [applied] = await Promise.all([
    powers.challenges.apply(challengeId, {
      name: "approve",
      proof: proof.value,
      ...(ip === undefined ? {} : { ip }),
    }),
    powers.inboxes.settle(userSubject(userId), { challengeId, decision: "approve", digest }),
    giveBack(),
  ]);
  if (!applied.ok) return await notNow(powers, client, found.value, applied);
  return approved(applied.value, expiresAt, now);
}

/** What a code that is not approved by this call is told: that it was approved before, or why not. */
async function notNow(
  powers: Powers,
  client: Client,
  presented: PresentedCode,
  refused: Result<unknown, Refusal>,
): Promise<Authorized> {
  const found = await lookAt(powers, presented);
  if (!found.ok) return found;
  const { row, snapshot } = found.value;
  const now = powers.clock.now();
  if (isRepeated(snapshot, client, now)) return approved(snapshot, row.expiresAt, now);
  if (!refused.ok && refused.error.code === "user_locked") return no(refused.error);
  return snapshot.view.state === "approved"
    ? approved(snapshot, row.expiresAt, now)
    : no({ code: "unknown_challenge" });
}

function approved({ timeline }: Pick<Snapshot, "timeline">, expiresAt: Instant, now: Instant): Authorized {
  const step = timeline.findLast(({ what }) => what === "approved");
  return ok({ expiresAt, completedAt: step?.at ?? now });
}

function isRepeated({ spec, view }: Snapshot, client: Client, now: Instant): boolean {
  if (view.state !== "redeemed" || !view.approval) return false;
  const { approver, at } = view.approval;
  return approver.kind === "client" && approver.clientId === client.id && now < at + spec.replayWindow;
}
