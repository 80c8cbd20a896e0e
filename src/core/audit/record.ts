import type { JsonObject } from "../challenge/state.ts";
import { Outage } from "../fault.ts";
import type { ClientId, DeviceId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { Instant } from "../time.ts";
import type { AuditEvent } from "./event.ts";

/** What an audit row says; an undefined part is left out of the row. */
export type AuditParts = {
  readonly type: string;
  readonly actor: string;
  readonly userId?: UserId | undefined;
  readonly clientId?: ClientId | undefined;
  readonly deviceId?: DeviceId | undefined;
  readonly ip?: string | undefined;
  readonly reason?: string | undefined;
  readonly data?: JsonObject | undefined;
};

/** Who asked for a change and from where, as the audit trail names it. */
export type Requester = { readonly actor: string; readonly ip?: string | undefined };

/**
 * An audit row of this moment. Its id is 12 hex digits of the epoch milliseconds and 20 random ones: ids sort by time, and rows
 * of one millisecond never meet.
 */
export function auditEvent(powers: Pick<Services, "clock" | "chance">, parts: AuditParts): AuditEvent {
  const at = powers.clock.now();
  const { type, actor, userId, clientId, deviceId, ip, reason, data } = parts;
  return {
    id: timePrefix(at) + randomHex(powers.chance.uuid()),
    at,
    type,
    actor,
    ...(userId === undefined ? {} : { userId }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(ip === undefined ? {} : { ip }),
    ...(reason === undefined ? {} : { reason }),
    ...(data === undefined ? {} : { data }),
  };
}

const timePrefix = (at: Instant): string => at.toString(16).padStart(12, "0");

/** The 80 bits of a UUIDv4 that are all chance: the parts without version and variant (RFC 9562 §5.4). */
function randomHex(uuid: string): string {
  const hex = uuid.replaceAll("-", "");
  return hex.slice(0, 12) + hex.slice(24);
}

/** Writes the audit row of a change that stands already; when D1 cannot take it now, the queue brings it there. */
export async function recordEvent(
  powers: Pick<Services, "records" | "events">,
  event: AuditEvent,
): Promise<void> {
  try {
    await powers.records.audit([event]);
  } catch (fault) {
    if (!(fault instanceof Outage)) throw fault;
    await powers.events.send({ kind: "audit", events: [event] });
  }
}
