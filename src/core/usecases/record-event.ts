import type { AuditEvent } from "../audit.ts";
import { Outage } from "../fault.ts";
import type { Services } from "../ports/services.ts";

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
