import type { Authenticator } from "../action/authenticator.ts";
import type { UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { recordEvent } from "./record-event.ts";

/**
 * Takes an address from the ways in which a user meets actions; it stays among their names. Codes that are under way for it meet
 * nothing any more. Answers what was removed; undefined when there was no such address.
 */
export async function removeAddress(
  powers: Pick<Services, "authenticators" | "records" | "events" | "clock" | "chance">,
  asked: { readonly userId: UserId; readonly id: string; readonly by: Requester },
): Promise<Authenticator | undefined> {
  const { userId, id, by } = asked;
  const standing = await powers.authenticators.find(userId, id);
  if (!standing || standing.kind === "device") return undefined;
  if (!(await powers.authenticators.remove(userId, id))) return undefined;
  const data = { authenticator_id: id, kind: standing.kind };
  await recordEvent(powers, auditEvent(powers, { type: "authenticator.removed", userId, data, ...by }));
  return standing;
}
