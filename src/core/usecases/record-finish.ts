import type { AuditEvent } from "../audit.ts";
import type { ChallengeId } from "../ids.ts";
import type { GrantListing } from "../messages.ts";
import type { Services } from "../ports/services.ts";

type Powers = Pick<Services, "rooms" | "records" | "background" | "log">;

/**
 * Writes the end of a challenge to D1 in one batch and tells its object so. When D1 cannot be used the answer goes out all the
 * same: the object's alarm sends what is unlisted to the queue (settled question 28, T101).
 */
export async function recordFinish(
  powers: Powers,
  id: ChallengeId,
  event: AuditEvent,
  grant?: GrantListing,
): Promise<void> {
  try {
    await powers.records.finish(event, grant);
  } catch (cause) {
    powers.log("warn", "the end of a challenge is not in D1 yet", { challengeId: id, cause: String(cause) });
    return;
  }
  powers.background(
    powers.rooms.markListed(id).catch((cause: unknown) => {
      powers.log("warn", "a challenge could not be marked listed", { challengeId: id, cause: String(cause) });
    }),
  );
}
