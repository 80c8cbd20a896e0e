import { auditEvent, type Requester } from "../audit/record.ts";
import type { DeviceId, GrantId, UserId } from "../ids.ts";
import type { GrantListing } from "../message/queue.ts";
import type { Services } from "../ports/services.ts";
import { tellEnded } from "./tell-ended.ts";

/** Grants that one call ends itself; what is beyond goes through the queue, page by page. */
export const GRANTS_PER_CALL = 50;

export type EndGrants = Requester & {
  readonly userId: UserId;
  readonly reason: string;
  /** Only the grants that this device's approval opened. */
  readonly deviceId?: DeviceId | undefined;
  /** Only the grants that were approved in this browser session. */
  readonly sessionId?: GrantId | undefined;
  /** Grant to go on after: the queue's next page. */
  readonly after?: GrantId | undefined;
};

type EndPowers = Pick<Services, "challenges" | "records" | "clock" | "chance"> &
  Parameters<typeof tellEnded>[0];

/**
 * Ends the listed grants of a user, or of one device or browser session: the first GRANTS_PER_CALL now, the rest through the queue
 * (settled question 31). Answers how many ended here. Calling again is free: what has ended is no longer listed.
 */
export async function endGrants(
  powers: EndPowers,
  asked: EndGrants,
): Promise<{ readonly ended: number; readonly more: boolean }> {
  const { userId, deviceId, sessionId, after } = asked;
  const page = await powers.records.grantsOfUser(userId, {
    size: GRANTS_PER_CALL + 1,
    ...(after === undefined ? {} : { after }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(sessionId === undefined ? {} : { sessionId }),
  });
  const now = page.slice(0, GRANTS_PER_CALL);
  const last = now.at(-1);
  const more = page.length > now.length && last !== undefined;
  if (more) await powers.events.send(pageOf(asked, last.id));
  await Promise.all(now.map((listing) => endGrant(powers, listing, asked)));
  return { ended: now.length, more };
}

export type EndGrant = Requester & {
  readonly reason: string;
  /** It is the client's own word: nobody has to tell it. */
  readonly byClient?: true;
};

/** Ends one listed grant, then takes it from the list with its audit row: an answer that was lost can be asked for again. */
export async function endGrant(powers: EndPowers, listing: GrantListing, asked: EndGrant): Promise<void> {
  const ended = await powers.challenges.revoke(listing.id, asked.reason);
  if (!asked.byClient) await tellEnded(powers, listing);
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

/**
 * Ends a grant and, where it is a browser's session, those that were approved there. The session goes first: a code of it that is under way
 * is then refused where its grant would be listed (docs/decisions/0081).
 */
export async function endSession(
  powers: EndPowers & Pick<Services, "log">,
  listing: GrantListing,
  asked: EndGrant,
): Promise<void> {
  await endGrant(powers, listing, asked);
  await endApprovedIn(powers, { ...asked, userId: listing.userId, sessionId: listing.id });
}

/** Ends what was approved in a browser session that is over. It cannot be asked for again, so what fails goes through the queue. */
export async function endApprovedIn(
  powers: EndPowers & Pick<Services, "log">,
  asked: EndGrants & { readonly sessionId: GrantId },
): Promise<void> {
  await endGrants(powers, asked).catch((cause: unknown) => {
    powers.log("warn", "the grants of a browser session end through the queue", { cause: String(cause) });
    return powers.events.send(pageOf(asked, undefined));
  });
}

function pageOf({ userId, reason, deviceId, sessionId, actor }: EndGrants, after: GrantId | undefined) {
  return {
    kind: "revoke_grants",
    userId,
    reason,
    actor,
    ...(after === undefined ? {} : { after }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(sessionId === undefined ? {} : { sessionId }),
  } as const;
}
