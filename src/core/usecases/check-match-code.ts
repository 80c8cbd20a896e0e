import { type UserId, userSubject } from "../ids.ts";
import { GUESS_LIMIT } from "../inbox/policy.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { OUT_OF_ATTEMPTS } from "./settle-action.ts";
import { withdrawChallenge } from "./withdraw-challenge.ts";

type Powers = Pick<Services, "rooms" | "inboxes" | "handles" | "clock">;

/**
 * Compares the number that the approver typed with the one on the waiting screen. The guess is counted first; once they are used up
 * the challenge is over, and the next one shows another number. A challenge without a number passes.
 */
export async function checkMatchCode(
  powers: Powers,
  snapshot: Snapshot,
  userId: UserId,
  typed: string | undefined,
): Promise<Result<undefined, RefusalOf<"wrong_code" | "code_locked">>> {
  const { id, matchCodeHash } = snapshot.spec;
  if (matchCodeHash === undefined) return ok(undefined);
  const kind = `match:${id}`;
  const who = userSubject(userId);
  if (!(await powers.inboxes.reserveGuess(who, kind, GUESS_LIMIT))) {
    await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
    return no({ code: "code_locked", until: snapshot.view.expiresAt });
  }
  const given = await powers.handles.pepper(["match", id], typed ?? "");
  if (given !== matchCodeHash) return no({ code: "wrong_code", left: 0 });
  await powers.inboxes.refundGuess(who, kind);
  return ok(undefined);
}
