import type { Caller } from "../../core/caller.ts";
import { startChallenge } from "../../core/challenge/start.ts";
import type { Origin } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { verifySeconds } from "../../core/client/settings.ts";
import { codeSubject } from "../../core/code/subject.ts";
import type { Snapshot } from "../../core/ports/challenges.ts";
import type { Services } from "../../core/ports/services.ts";
import type { Refusal } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { MINUTE, SECOND } from "../../core/time.ts";
import { VERIFY_IDENTIFIER, type Verification, verificationContext } from "./verification.ts";

export type StartVerification = Omit<Verification, "number"> & {
  readonly client: Client;
  readonly caller: Caller;
  readonly origin: Origin;
};

type Powers = Pick<
  Services,
  | "challenges"
  | "inboxes"
  | "handles"
  | "pushes"
  | "chance"
  | "clock"
  | "limits"
  | "events"
  | "background"
  | "log"
>;

/** How long an authorization code can be exchanged (Cotter §8.1: five minutes, once). */
const REDEEM_WINDOW = 5 * MINUTE;
const NUMBERS = 2 ** 31 - 1;

/**
 * Starts the challenge of a verification (settled question 20: 600 s, unless the client says otherwise). Nothing is sent yet. Refused
 * as `too_many` past the limits of the network, of the client, or about the address.
 */
export async function startVerification(
  powers: Powers,
  asked: StartVerification,
): Promise<Result<Snapshot, Refusal>> {
  const { client, caller, origin, ...verification } = asked;
  if (!(await powers.limits.start(origin.ip))) {
    return no({ code: "too_many", scope: "ip", retryAt: powers.clock.now() + MINUTE });
  }
  const started = await startChallenge(powers, {
    door: "page",
    client,
    caller,
    about: await codeSubject(powers, client.realm, asked.identifier),
    purpose: VERIFY_IDENTIFIER,
    scope: "access",
    requiresClaim: false,
    matchCode: false,
    context: verificationContext({ ...verification, number: powers.chance.number(NUMBERS) }),
    origin,
    lifetime: verifySeconds(client.settings) * SECOND,
    redeemWindow: REDEEM_WINDOW,
    replayWindow: 0,
    draw: async () => powers.challenges.fresh(),
  });
  return started.ok ? ok(started.value.snapshot) : started;
}
