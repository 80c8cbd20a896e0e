import type { ClientId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { recordEvent } from "./record-event.ts";

type Powers = Pick<Services, "clients" | "records" | "events" | "clock" | "chance">;

/**
 * Disables a client: within 30 s nothing is started, redeemed or refreshed for it any more (settled question 31). Its row, id
 * and grants stay. Disabling again changes nothing.
 */
export async function disableClient(
  powers: Powers,
  id: ClientId,
  by: Requester,
): Promise<Result<undefined, RefusalOf<"unknown_client">>> {
  const present = await powers.clients.fresh(id);
  if (present === undefined) return no({ code: "unknown_client" });
  if (present.disabledAt !== undefined) return ok(undefined);
  const event = auditEvent(powers, { type: "client.disabled", clientId: id, ...by });
  await powers.clients.disable(id, event.at);
  await recordEvent(powers, event);
  return ok(undefined);
}
