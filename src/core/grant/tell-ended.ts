import type { EndedGrant } from "../message/queue.ts";
import type { HearPowers, Services } from "../ports/services.ts";

/**
 * Lets the doors hear that a grant has ended, otherwise than by its client's own word, so that its client can be told. Asked before the grant
 * leaves the list: whoever repeats the ending repeats this.
 */
export async function tellEnded(
  powers: Pick<Services, "doors"> & HearPowers,
  { id, userId, clientId }: EndedGrant,
): Promise<void> {
  await Promise.all(powers.doors.map((door) => door.grantEnded?.(powers, { id, userId, clientId })));
}
