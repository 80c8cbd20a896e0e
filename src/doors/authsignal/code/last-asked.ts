import { OUT_OF_ATTEMPTS } from "../../../core/challenge/cancel.ts";
import type { Services } from "../../../core/ports/services.ts";
import { isOpen } from "../action/action.ts";
import { authenticatorIdOf, standingAddress } from "../enrolment/standing-address.ts";
import { type AwaitedCode, awaitedCode, type CodeBearer } from "./challenge.ts";
import { enrolmentOf } from "./enrol.ts";

export const LIVE: readonly string[] = ["pending", "approved", "redeemed"];

/** Whether it was ended by wrong codes. */
export const isExhausted = ({ snapshot: { view, timeline } }: AwaitedCode): boolean =>
  view.state === "cancelled" && timeline.at(-1)?.by === OUT_OF_ATTEMPTS;

/** When it was asked for, or decided: a lost answer is asked for again about what was decided last. */
export const lastStep = ({ snapshot: { spec, timeline } }: AwaitedCode): number =>
  timeline.at(-1)?.at ?? spec.createdAt;

/**
 * Of what the page may be waiting for the one that it asked for last; what is over comes behind what still waits. Where nothing is left,
 * whether it is for wrong codes.
 */
export async function lastAsked(
  powers: Pick<Services, "challenges" | "userCodes" | "handles" | "clock">,
  { action, methods }: CodeBearer,
): Promise<{ readonly awaited: AwaitedCode | undefined; readonly isExhausted: boolean }> {
  const [challenge, enrolment] = await Promise.all([
    awaitedCode(powers, action, action.challengeId, methods),
    enrolmentOf(powers, action, methods[0]),
  ]);
  const own = challenge?.use === "authsignal_action" ? challenge : undefined;
  const all = [enrolment, own]
    .filter((one) => one !== undefined)
    .toSorted((a, b) => lastStep(b) - lastStep(a));
  const found = all.filter(({ snapshot }) => LIVE.includes(snapshot.view.state));
  const awaited = found.find(({ snapshot }) => snapshot.view.state === "pending") ?? found[0];
  return { awaited, isExhausted: awaited === undefined && all[0] !== undefined && isExhausted(all[0]) };
}

/**
 * The id of the authenticator that a code is of. None: a closed action is met by nothing, and an address that was removed meanwhile meets
 * nothing.
 */
export async function authenticatorFor(
  powers: Pick<Services, "authenticators" | "handles">,
  { action, user, client }: CodeBearer,
  { use, snapshot, identifier }: AwaitedCode,
): Promise<string | undefined> {
  if (use === "authsignal_enrol") {
    return action.state === "block"
      ? undefined
      : await authenticatorIdOf(powers, client, user.user.id, identifier);
  }
  const wasMet = action.state === "challenge_succeeded" && snapshot.view.state !== "pending";
  if (!isOpen(action.state) && !wasMet) return undefined;
  const row = await standingAddress(powers, user.user.id, identifier, client);
  return row?.verifiedAt === undefined ? undefined : row.id;
}
