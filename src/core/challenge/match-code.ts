import { type UserId, userSubject } from "../ids.ts";
import type { Count } from "../inbox/counters.ts";
import { GUESS_LIMIT, MATCH_GUESSES } from "../inbox/limits.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { MINUTE } from "../time.ts";
import { plainCode } from "../typed-text.ts";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "./cancel.ts";

type Powers = Pick<Services, "challenges" | "inboxes" | "handles" | "clock" | "background">;
type Refused = RefusalOf<"wrong_code" | "out_of_guesses" | "code_locked">;

/**
 * Compares the number that the approver typed with the one on the waiting screen. The guess is counted first: for the challenge, which
 * is over with the fifth wrong one, and for the user on through every new number (T04); past that sum nothing is compared for a
 * while, and no other challenge ends for it. The right one is no guess: behind the answer it is taken from both counts. A challenge
 * without a number passes.
 */
export async function checkMatchCode(
  powers: Powers,
  snapshot: Snapshot,
  userId: UserId,
  typed: string | undefined,
): Promise<Result<undefined, Refused>> {
  const { id, matchCodeHash, expiresAt } = snapshot.spec;
  if (matchCodeHash === undefined) return ok(undefined);
  const who = userSubject(userId);
  const window = Math.max(expiresAt - powers.clock.now(), 0) + MINUTE;
  const own: Count = { kind: `match:${id}`, limit: GUESS_LIMIT, window };
  const sum: Count = { kind: "match", ...MATCH_GUESSES };
  const counted = await powers.inboxes.countTogether(who, [own, sum]);
  if (!counted.allowed) {
    return counted.full === own.kind
      ? await outOfGuesses(powers, snapshot)
      : no({ code: "code_locked", until: counted.retryAt });
  }
  const given = await powers.handles.pepper(["match", id], plainCode(typed ?? ""));
  if (given === matchCodeHash) {
    powers.background(() => powers.inboxes.uncount(who, [own.kind, sum.kind]));
    return ok(undefined);
  }
  const [left = 0] = counted.left;
  return left > 0 ? no({ code: "wrong_code", left }) : await outOfGuesses(powers, snapshot);
}

async function outOfGuesses(powers: Powers, snapshot: Snapshot): Promise<Result<never, Refused>> {
  await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
  return no({ code: "out_of_guesses" });
}
