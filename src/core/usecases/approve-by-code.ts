import type { VerifiedProof } from "../challenge/proof.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { ok, type Result } from "../result.ts";

/**
 * Approves a challenge with the code that was right. It is decided once: the right code again finds it approved, or redeemed, and is
 * a success, because an answer may have been lost (settled question 20). Refused: what ended otherwise.
 */
export async function approveByCode(
  powers: Pick<Services, "rooms">,
  { spec }: Snapshot,
  proof: VerifiedProof,
  ip: string | undefined,
): Promise<Result<Snapshot, Refusal>> {
  const from = ip === undefined ? {} : { ip };
  const applied = await powers.rooms.apply(spec.id, { name: "approve", proof, ...from });
  if (applied.ok) return applied;
  const standing = await powers.rooms.read(spec.id);
  const isDone = standing?.view.state === "approved" || standing?.view.state === "redeemed";
  return standing && isDone ? ok(standing) : applied;
}
