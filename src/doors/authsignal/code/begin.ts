import { withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { weakerHoldersOf } from "../../../core/user/weaker-holders.ts";
import { isOpen, keyOf } from "../action/action.ts";
import { admittedCodes } from "../enrolment/enrolled.ts";
import {
  awaitedCode,
  CLOSED,
  type CodeAsker,
  type CodeSending,
  openCode,
  type SendingPowers,
  sendAgain,
} from "./challenge.ts";
import { addressOfRow, enrolledAs } from "./method.ts";

type Powers = SendingPowers & Pick<Services, "actions" | "authenticators" | "users">;

/** `authenticator`: the one that the page has chosen, of the method's kind. */
type Beginning = CodeAsker & CodeSending & { readonly authenticator?: string | undefined };

/**
 * Sends a code to the user's enrolled address, to meet the action (Authsignal §9.2). Asked again while its challenge waits, the same
 * challenge gets a new code. Refused: a closed action, a locked user, nobody to write to, what `sendActionCode` refuses.
 */
export async function beginCode(powers: Powers, asked: Beginning): Promise<Result<Snapshot, Refusal>> {
  const { action, user, method } = asked;
  if (!isOpen(action.state)) return CLOSED;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const identifier = await enrolledAddress(powers, asked);
  if (!identifier) return no({ code: "not_allowed", detail: "the user has no such authenticator" });
  const awaited = await awaitedCode(powers, action, action.challengeId, [method]);
  if (awaited?.snapshot.view.state === "pending" && awaited.identifier.normal === identifier.normal) {
    return await sendAgain(powers, asked, awaited);
  }
  const opened = await openCode(powers, asked, { identifier, use: "authsignal_action" });
  if (!opened.ok) return opened;
  const now = powers.clock.now();
  if (await powers.actions.begin(keyOf(action), opened.value.spec.id, now)) return ok(opened.value);
  await withdrawChallenge(powers, opened.value, "start_refused");
  return CLOSED;
}

/**
 * The newest address that was enrolled before the action was tracked: one that the asker enrolled since would only prove that it is
 * the asker's.
 */
async function enrolledAddress(
  powers: Powers,
  { client, action, user, method, authenticator }: Beginning,
): Promise<ReadIdentifier | undefined> {
  const rows = await powers.authenticators.ofUser(user.user.id);
  const row = admittedCodes(client, user, rows).findLast(
    ({ id, kind, verifiedAt = Number.POSITIVE_INFINITY }) =>
      kind === enrolledAs(method) &&
      verifiedAt <= action.createdAt &&
      (authenticator === undefined || id === authenticator),
  );
  const address = row?.identifier && addressOfRow(method, row.identifier, user.identifiers);
  // One that the user gave up and another has proven since is that other's mailbox.
  return address && (await weakerHoldersOf(powers, client, user, address, "proof")).ok ? address : undefined;
}
