import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { finishCodeEnrolment } from "./finish-code-enrolment.ts";
import {
  authenticatorFor,
  type CodeBearer,
  lastAsked,
  type VerifiedActionCode,
} from "./verify-action-code.ts";

type Powers = Pick<
  Services,
  | "rooms"
  | "inboxes"
  | "actions"
  | "authenticators"
  | "devices"
  | "users"
  | "userCodes"
  | "records"
  | "keyring"
  | "handles"
  | "chance"
  | "clock"
  | "events"
  | "background"
  | "log"
>;

/**
 * What became of the link that the action's page asked for last. Asking while nobody has confirmed it writes nothing. An enrolment is
 * finished here, where the token is, and not by whoever opened the link. Refused: `not_approved` while it waits, `unknown_challenge`
 * when none is waited for, what an enrolment refuses.
 */
export async function finalizeLink(
  powers: Powers,
  asked: CodeBearer,
): Promise<Result<VerifiedActionCode, Refusal>> {
  const { carried } = await lastAsked(powers, asked);
  if (!carried) return no({ code: "unknown_challenge" });
  const { snapshot, use } = carried;
  if (snapshot.view.state === "pending") return no({ code: "not_approved" });
  if (!(await authenticatorFor(powers, asked, carried))) return no({ code: "unknown_challenge" });
  if (use === "authsignal_action") return ok({ snapshot, meets: true });
  return await finishCodeEnrolment(powers, asked, carried, async () => ok(snapshot));
}
