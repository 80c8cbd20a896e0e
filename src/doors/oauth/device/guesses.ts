import { callerFrom } from "../../../core/client/caller-from.ts";
import { guessesSubject, type SubjectKey, type UserId, userSubject } from "../../../core/ids.ts";
import type { Count } from "../../../core/inbox/counters.ts";
import { DEVICE_GUESSES } from "../../../core/inbox/limits.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Instant } from "../../../core/time.ts";

/** Who guesses at device codes: somebody at an address, and who they are once they have signed in. */
export type Guesser = { readonly user?: { readonly id: UserId }; readonly ip?: string | undefined };

type Powers = Pick<Services, "inboxes" | "handles" | "limits">;

const GUESSER = { kind: "user" } as const;

/** Everybody's guesses, of the whole deployment. */
const ALL = guessesSubject("device_codes");
const SUM: Count = { kind: "device_code", ...DEVICE_GUESSES };

/** Where a guess was counted by this call, so that it can be given back. */
export type TakenGuesses = { readonly inboxes: readonly SubjectKey[] };

/**
 * Counts one guess before anything is looked up: for the user if there is one, for the network, and for the deployment. Each count alone can
 * refuse, and then none of them has it. The same guess again is no second one for the first two.
 */
export async function takeCodeGuess(
  powers: Powers,
  { user, ip }: Guesser,
  mark: string,
): Promise<Result<TakenGuesses, RefusalOf<"code_locked">>> {
  const { network } = await callerFrom(powers, "nothing", ip);
  const lanes = [
    ...(user === undefined ? [] : [userSubject(user.id)]),
    ...(network === undefined ? [] : [guessesSubject(`network/${network}`)]),
  ];
  const [sum, ...own] = await Promise.all([
    powers.inboxes.countTogether(ALL, [SUM]),
    ...lanes.map((who) => powers.inboxes.takeGuess(who, { guesser: GUESSER, mark })),
  ]);
  const counted = lanes.filter((_, index) => {
    const taken = own[index];
    return taken?.allowed === true && taken.fresh;
  });
  const ends: Instant[] = own.flatMap((taken) => (taken.allowed ? [] : [taken.until]));
  if (!sum.allowed) ends.push(sum.retryAt);
  if (ends.length === 0) return ok({ inboxes: counted });
  await Promise.all([
    sum.allowed ? powers.inboxes.uncount(ALL, [SUM.kind]) : undefined,
    ...counted.map((who) => powers.inboxes.returnGuess(who, { guesser: GUESSER, mark })),
  ]);
  return no({ code: "code_locked", until: Math.max(...ends) });
}

/** Takes a guess from its counts: it was right, or nothing was compared. */
export async function giveBackGuess(
  { inboxes }: Pick<Services, "inboxes">,
  mark: string,
  { inboxes: counted }: TakenGuesses,
): Promise<void> {
  await Promise.all([
    inboxes.uncount(ALL, [SUM.kind]),
    ...counted.map((who) => inboxes.returnGuess(who, { guesser: GUESSER, mark })),
  ]);
}
