import { no } from "../result.ts";
import { type Instant, toSeconds } from "../time.ts";
import type { Effect, RedeemDraft } from "./command.ts";
import { type CommandOf, enter, ipOf, type Of, type Outcome, same } from "./moved.ts";
import type { Challenge, Facts, Phase, Step } from "./state.ts";

/** Redeemed, and its grant begun where the draft has one. */
export function redeem(
  challenge: Challenge,
  phase: Of<"approved">,
  command: CommandOf<"redeem">,
  now: Instant,
): Outcome {
  const { draft, userId = phase.userId } = command;
  if (userId !== phase.userId && !isLeftOpen(challenge, phase)) return no({ code: "device_of_another_user" });
  const next: Phase = {
    name: "redeemed",
    approver: phase.approver,
    userId,
    facts: factsOf(draft, phase, now),
    withGrant: draft.grant !== undefined,
    waiterProof: command.waiterProof,
    at: now,
  };
  const { sessionName } = command;
  const step: Step = {
    at: now,
    what: "redeemed",
    by: `client:${challenge.spec.clientId}`,
    ...ipOf(command),
    ...(sessionName === undefined ? {} : { sessionName }),
  };
  const effects: Effect[] = draft.grant ? [{ name: "openGrant", draft: draft.grant }] : [];
  return enter(challenge, next, [step], [...effects, { name: "wake" }]);
}

/** A code proves an address; whose that is may be known only at the exchange (docs/decisions/0055). Nothing else is redeemed for another. */
const isLeftOpen = ({ spec }: Challenge, { approver }: Of<"approved">): boolean =>
  spec.userId === undefined && spec.purpose === "verify_identifier" && approver.kind === "code";

function factsOf(draft: RedeemDraft, phase: Of<"approved">, now: Instant): Facts {
  const iat = toSeconds(now);
  return {
    jti: draft.jti,
    idJti: draft.idJti,
    kid: draft.kid,
    iat,
    exp: iat + draft.accessSeconds,
    idExp: iat + draft.idSeconds,
    authTime: toSeconds(phase.provenAt ?? phase.at),
    amr: phase.amr,
  };
}

/** The same waiter may ask again for a while; another one ends the grant. */
export function redeemAgain(
  challenge: Challenge,
  phase: Of<"redeemed">,
  command: CommandOf<"redeem">,
  now: Instant,
): Outcome {
  if (command.waiterProof !== phase.waiterProof) return no({ code: "redeemed", grantDies: true });
  if (now >= phase.at + challenge.spec.replayWindow) return no({ code: "redeemed", grantDies: false });
  return same(challenge);
}
