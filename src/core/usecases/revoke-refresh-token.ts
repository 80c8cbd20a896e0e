import type { Client } from "../client/client.ts";
import type { Services } from "../ports/services.ts";
import { auditEvent } from "./audit-event.ts";
import { grantOfToken } from "./refresh-grant.ts";

type Powers = Pick<Services, "rooms" | "handles" | "records" | "clock" | "chance" | "log">;

/**
 * Ends the family of a refresh token (RFC 7009). An unknown token, or another client's, is a success without effect (T89).
 */
export async function revokeRefreshToken(
  powers: Powers,
  client: Client,
  token: string,
  ip?: string,
): Promise<void> {
  const found = await grantOfToken(powers, token);
  if (!found.ok || found.value.grant.clientId !== client.id) return;
  const ended = await powers.rooms.revoke(found.value.grant.id, "signed_out");
  if (!ended) return;
  const event = auditEvent(powers, {
    type: "grant.revoked",
    actor: `client:${client.id}`,
    userId: ended.userId,
    clientId: client.id,
    ...(ip === undefined ? {} : { ip }),
    reason: "signed_out",
    data: { grant_id: ended.id },
  });
  await powers.records.removeGrant(ended.userId, ended.id, event);
}
