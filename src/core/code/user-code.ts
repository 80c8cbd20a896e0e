import { cancelChallenge } from "../challenge/cancel.ts";
import type { ClientId, UserId } from "../ids.ts";
import type { NonceUse } from "../ports/clients.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { ok, type Result } from "../result.ts";
import { COLLECTABLE } from "./lifetimes.ts";

/** Ends the live codes of a user, of one kind and purpose or all of them. A nonce is spent in the batch that lists them. */
export async function endCodes(
  powers: Pick<Services, "userCodes" | "challenges" | "inboxes" | "records" | "clock" | "background" | "log">,
  asked: {
    readonly userId: UserId;
    /** In the words of the door that gave it out. */
    readonly kind?: string;
    readonly purpose?: string;
    /** Only those that this client had asked for. */
    readonly clientId?: ClientId;
    readonly by: string;
    readonly nonce?: NonceUse;
    readonly ip?: string | undefined;
  },
): Promise<Result<undefined, RefusalOf<"replayed">>> {
  const { userId, kind, purpose, clientId, by, ip } = asked;
  const whose = { userId, ...(kind ? { kind } : {}), ...(purpose ? { purpose } : {}) };
  // Codes that are over too, for as long as what was approved by them may be collected.
  const live = await powers.userCodes.ofUser(whose, powers.clock.now() - COLLECTABLE, asked.nonce);
  if (!live.ok) return live;
  const own = live.value.filter((row) => clientId === undefined || row.clientId === clientId);
  await Promise.all(
    own.map(async ({ hash, challengeId }) => {
      // One that is being given out at this moment: its challenge will begin, and no code will lead there.
      const isThere = await cancelChallenge(powers, { challengeId, userId, by, ip });
      if (!isThere) await powers.userCodes.remove(hash);
    }),
  );
  return ok(undefined);
}
