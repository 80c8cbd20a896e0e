import type { ClientId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { DAY, type Instant, type Millis } from "../time.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { recordEvent } from "./record-event.ts";

/** How long the replaced secret still works: time to bring the new one to every server. */
export const SECRET_OVERLAP: Millis = DAY;

type Powers = Pick<Services, "clients" | "secrets" | "records" | "events" | "clock" | "chance">;
export type NewSecret = { readonly secret: string; readonly oldUntil: Instant };

/**
 * Gives a confidential client a new secret; the present one works until `oldUntil`, one older still ends now. Refused: an
 * unknown client, and a public one, which has no secret.
 */
export async function rotateClientSecret(
  powers: Powers,
  id: ClientId,
  by: Requester,
): Promise<Result<NewSecret, RefusalOf<"unknown_client" | "not_allowed">>> {
  const client = await powers.clients.fresh(id);
  if (client === undefined) return no({ code: "unknown_client" });
  if (client.kind === "public") return no({ code: "not_allowed", detail: "a public client has no secret" });
  const { secret, kept } = await powers.secrets.make();
  const event = auditEvent(powers, { type: "client.secret_rotated", clientId: id, ...by });
  const oldUntil = event.at + SECRET_OVERLAP;
  if (!(await powers.clients.replaceSecret(id, kept, oldUntil, event.at))) {
    return no({ code: "unknown_client" });
  }
  await recordEvent(powers, event);
  return ok({ secret, oldUntil });
}
