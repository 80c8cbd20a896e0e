import { auditEvent, type Requester } from "../audit/record.ts";
import type { DeviceId, GrantId, UserId } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import type { Services } from "../ports/services.ts";

/** Grants that one call ends itself; what is beyond goes through the queue, page by page. */
export const GRANTS_PER_CALL = 50;

export type EndGrants = Requester & {
  readonly userId: UserId;
  readonly reason: string;
  /** Only the grants that this device's approval opened. */
  readonly deviceId?: DeviceId | undefined;
  /** Grant to go on after: the queue's next page. */
  readonly after?: GrantId | undefined;
};

type Powers = Pick<Services, "challenges" | "records" | "events" | "clock" | "chance">;

/**
 * Ends the listed grants of a user, or of one device: the first GRANTS_PER_CALL now, the rest through the queue
 * (settled question 31). Answers how many ended here. Calling again is free: what has ended is no longer listed.
 */
export async function endGrants(
  powers: Powers,
  asked: EndGrants,
): Promise<{ readonly ended: number; readonly more: boolean }> {
  const { userId, deviceId, after } = asked;
  const page = await powers.records.grantsOfUser(userId, {
    size: GRANTS_PER_CALL + 1,
    ...(after === undefined ? {} : { after }),
    ...(deviceId === undefined ? {} : { deviceId }),
  });
  const now = page.slice(0, GRANTS_PER_CALL);
  const last = now.at(-1);
  const more = page.length > now.length && last !== undefined;
  if (more) await sendOn(powers, asked, last.id);
  await Promise.all(now.map((listing) => endGrant(powers, listing, asked)));
  return { ended: now.length, more };
}

/** Ends one listed grant, then takes it from the list with its audit row: an answer that was lost can be asked for again. */
export async function endGrant(
  powers: Pick<Services, "challenges" | "records" | "clock" | "chance">,
  listing: GrantListing,
  asked: Requester & { readonly reason: string },
): Promise<void> {
  const ended = await powers.challenges.revoke(listing.id, asked.reason);
  const event = auditEvent(powers, {
    type: "grant.revoked",
    actor: asked.actor,
    userId: listing.userId,
    clientId: listing.clientId,
    deviceId: listing.deviceId,
    ip: asked.ip,
    reason: asked.reason,
    data: { grant_id: listing.id, ...(ended === undefined ? { had_ended: true } : {}) },
  });
  await powers.records.removeGrant(listing.userId, listing.id, event);
}

function sendOn(powers: Pick<Services, "events">, asked: EndGrants, after: GrantId): Promise<void> {
  const { userId, reason, deviceId, actor } = asked;
  return powers.events.send({
    kind: "revoke_grants",
    userId,
    reason,
    actor,
    after,
    ...(deviceId === undefined ? {} : { deviceId }),
  });
}
