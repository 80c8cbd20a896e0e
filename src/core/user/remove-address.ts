import { auditEvent, type Requester, recordEvent } from "../audit/record.ts";
import type { ClientId, UserId } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { Authenticator } from "./authenticator.ts";

/**
 * Takes an address from the ways in which a user meets actions; it stays among their names. Codes that are under way for it meet
 * nothing any more. Answers what was removed; undefined when there was no such address, or it is another client's.
 */
export async function removeAddress(
  powers: Pick<Services, "authenticators" | "records" | "events" | "clock" | "chance">,
  asked: {
    readonly userId: UserId;
    readonly id: string;
    /** Only an address that this client enrolled; the operator names none. */
    readonly clientId?: ClientId;
    readonly by: Requester;
  },
): Promise<Authenticator | undefined> {
  const { userId, id, clientId, by } = asked;
  const standing = await powers.authenticators.find(userId, id);
  if (!standing || standing.kind === "device") return undefined;
  if (!(await powers.authenticators.remove(userId, id, powers.clock.now(), clientId))) return undefined;
  const data = { authenticator_id: id, kind: standing.kind };
  await recordEvent(powers, auditEvent(powers, { type: "authenticator.removed", userId, data, ...by }));
  return standing;
}
