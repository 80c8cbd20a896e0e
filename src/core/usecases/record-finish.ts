import type { AuditEvent } from "../audit.ts";
import type { ChallengeId } from "../ids.ts";
import type { GrantListing } from "../messages.ts";
import type { Services } from "../ports/services.ts";
import type { Fallen, Standing } from "../ports/standing.ts";
import { ok, type Result } from "../result.ts";

type Powers = Pick<Services, "rooms" | "records" | "background" | "log">;

/**
 * Writes the end of a challenge to D1 in one batch and tells its object so. When D1 cannot be used the answer goes out all the same: the
 * object's alarm sends what is unlisted to the queue (settled question 28, T101). A grant whose user, client or device has fallen is not
 * listed: its family is ended, and the refusal must go out in the place of its tokens.
 */
export async function recordFinish(
  powers: Powers,
  id: ChallengeId,
  event: AuditEvent,
  grant?: GrantListing,
  /** Who must stand for an end without a grant. */
  standing?: Standing,
): Promise<Result<undefined, Fallen>> {
  let finished: Result<undefined, Fallen>;
  try {
    const isBare = grant === undefined && standing !== undefined;
    finished = await (isBare
      ? powers.records.note(event, standing)
      : powers.records.finish(event, grant, standing?.since));
  } catch (cause) {
    powers.log("warn", "the end of a challenge is not in D1 yet", { challengeId: id, cause: String(cause) });
    return ok(undefined);
  }
  if (!finished.ok) await powers.rooms.revoke(id, finished.error.code);
  // Of what was refused nothing is left to write either.
  noteListed(powers, id);
  return finished;
}

/** Tells a challenge's object, behind the answer, that D1 holds what there is to hold of its end. */
export function noteListed(powers: Pick<Services, "rooms" | "background" | "log">, id: ChallengeId): void {
  powers.background(
    powers.rooms.markListed(id).catch((cause: unknown) => {
      powers.log("warn", "a challenge could not be marked listed", { challengeId: id, cause: String(cause) });
    }),
  );
}
