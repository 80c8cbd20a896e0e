import type { AuditEvent } from "../../core/audit/event.ts";
import type { ClientId } from "../../core/ids.ts";

/**
 * What a webhook is told of an event: JSON `{"id","type","at","client_id","user_id"?,"data"}`, `at` in ISO 8601. The IP address
 * and the reason stay in the audit trail.
 */
export function webhookBody(clientId: ClientId, event: AuditEvent): string {
  return JSON.stringify({
    id: event.id,
    type: event.type,
    at: new Date(event.at).toISOString(),
    client_id: clientId,
    user_id: event.userId,
    data: event.data ?? {},
  });
}
