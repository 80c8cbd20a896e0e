import { type UserId, userSubject } from "../ids.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { OUT_OF_ATTEMPTS } from "./settle-action.ts";
import { withdrawChallenge } from "./withdraw-challenge.ts";

const COUNTER = "match";

type Powers = Pick<Services, "rooms" | "inboxes" | "handles" | "clock">;

/**
 * Compares the number that the approver typed with the one on the waiting screen. The guess is counted first, for the person and on
 * through every new number (T04); once they are used up the challenge is over. A challenge without a number passes.
 */
export async function checkMatchCode(
  powers: Powers,
  snapshot: Snapshot,
  userId: UserId,
  typed: string | undefined,
): Promise<Result<undefined, RefusalOf<"wrong_code" | "code_locked">>> {
  const { id, matchCodeHash } = snapshot.spec;
  if (matchCodeHash === undefined) return ok(undefined);
  const who = userSubject(userId);
  const taken = await powers.inboxes.takeGuess(who, COUNTER);
  if (!taken.allowed) {
    await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
    return no({ code: "code_locked", until: taken.until });
  }
  const given = await powers.handles.pepper(["match", id], typed ?? "");
  if (given !== matchCodeHash) return no({ code: "wrong_code", left: taken.left });
  await powers.inboxes.returnGuess(who, COUNTER, "right");
  return ok(undefined);
}
