import type { Origin } from "../challenge/state.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { VERIFY_IDENTIFIER, verificationOf } from "../verification/verification.ts";
import { finishedEvent } from "./finished-event.ts";
import { checkCode } from "./prove-code.ts";
import { recordFinish } from "./record-finish.ts";

type Powers = Pick<Services, "rooms" | "inboxes" | "records" | "handles" | "clock" | "background" | "log">;

/**
 * Ends a verification by the word of whoever reads the address: they hold the link's secret and say that it was not them. Refused as
 * a wrong code is.
 */
export async function cancelVerification(
  powers: Powers,
  asked: { readonly snapshot: Snapshot; readonly code: string; readonly origin: Origin },
): Promise<Result<Snapshot, Refusal>> {
  const { snapshot, code, origin } = asked;
  const { spec } = snapshot;
  const verification = verificationOf(spec);
  if (!verification) return no({ code: "unknown_challenge" });
  const { identifier } = verification;
  const checked = await checkCode(powers, {
    spec,
    identifier,
    purpose: VERIFY_IDENTIFIER,
    code,
  });
  if (!checked.ok) return checked;
  const cancelled = await powers.rooms.apply(spec.id, {
    name: "cancel",
    by: `identifier:${checked.value.identifierId}`,
    ...(origin.ip === undefined ? {} : { ip: origin.ip }),
  });
  if (!cancelled.ok) return cancelled;
  await recordFinish(powers, spec.id, finishedEvent(cancelled.value));
  return ok(cancelled.value);
}
