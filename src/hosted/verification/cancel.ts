import { finishedEvent, recordFinish } from "../../core/challenge/record.ts";
import type { Origin } from "../../core/challenge/state.ts";
import { checkCode } from "../../core/code/prove.ts";
import type { Snapshot } from "../../core/ports/challenges.ts";
import type { Services } from "../../core/ports/services.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { VERIFY_IDENTIFIER, verificationOf } from "./verification.ts";

type Powers = Pick<
  Services,
  "challenges" | "inboxes" | "records" | "handles" | "clock" | "background" | "log"
>;

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
  const cancelled = await powers.challenges.apply(spec.id, {
    name: "cancel",
    by: `identifier:${checked.value.identifierId}`,
    ...(origin.ip === undefined ? {} : { ip: origin.ip }),
  });
  if (!cancelled.ok) return cancelled;
  await recordFinish(powers, spec.id, finishedEvent(cancelled.value));
  return ok(cancelled.value);
}
