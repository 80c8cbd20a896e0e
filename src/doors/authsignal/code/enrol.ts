import { withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { weakerHoldersOf } from "../../../core/user/weaker-holders.ts";
import type { Action } from "../action/action.ts";
import { enrolledOf, neverEnrolled } from "../enrolment/enrolled.ts";
import { authenticatorIdOf } from "../enrolment/standing-address.ts";
import {
  type AwaitedCode,
  awaitedCode,
  CLOSED,
  type CodeAsker,
  type CodeSending,
  openCode,
  type SendingPowers,
  sendAgain,
} from "./challenge.ts";
import type { AddressMethod } from "./method.ts";

export type CodeEnrolment = CodeAsker &
  CodeSending & {
    readonly identifier: ReadIdentifier;
    /** Whether the backend's token says that an authenticator may be added. */
    readonly mayAdd: boolean;
  };

type Powers = SendingPowers & Pick<Services, "userCodes" | "devices" | "authenticators" | "users">;

/**
 * Sends a code to a new address; nothing is enrolled before it comes back (Authsignal §9.2). The enrolment has a challenge of its own, one
 * for each action and method, that the directory of codes finds: whatever else the action waits for stays as it is. The same address again
 * gets another code, another address takes the place of the first. Answers the future authenticator's id. Refused: `user_exists` for one
 * that is another user's, `enrolment_closed` without the backend's word once anything is enrolled, a blocked action, a locked user, what
 * `sendActionCode` refuses.
 */
export async function enrolByCode(powers: Powers, asked: CodeEnrolment): Promise<Result<string, Refusal>> {
  const { action, user, identifier } = asked;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  if (action.state === "block") return CLOSED;
  if (needsScope(asked)) return no({ code: "enrolment_closed" });
  if (!asked.mayAdd && !neverEnrolled(await enrolledOf(powers, user.user.id))) {
    return no({ code: "enrolment_closed" });
  }
  // Before anything is sent: the code of another user's address could not be taken when it comes back.
  const [claimers, standing] = await Promise.all([
    weakerHoldersOf(powers, asked.client, user, identifier, "proof"),
    enrolmentOf(powers, action, asked.method),
  ]);
  if (!claimers.ok) return claimers;
  const isSame = standing?.identifier.normal === identifier.normal;
  const sent =
    standing && isSame && standing.snapshot.view.state === "pending"
      ? await sendAgain(powers, asked, standing)
      : await beginEnrolment(powers, asked, standing);
  return sent.ok ? ok(await authenticatorIdOf(powers, asked.client, user.user.id, identifier)) : sent;
}

/** Whether the backend's word is missing where its client's settings demand it even for the first. */
export const needsScope = ({ client, mayAdd }: Pick<CodeEnrolment, "client" | "mayAdd">): boolean =>
  !mayAdd && client.settings.enrol_without_scope === false;

async function beginEnrolment(
  powers: Powers,
  asked: CodeEnrolment,
  standing: AwaitedCode | undefined,
): Promise<Result<unknown, Refusal>> {
  const { action, client, method, identifier, user } = asked;
  const opened = await openCode(powers, asked, { identifier, use: "authsignal_enrol" });
  if (!opened.ok) return opened;
  const { id, createdAt } = opened.value.spec;
  // An approval of the last moment can still be collected.
  const expiresAt = Math.max(opened.value.spec.expiresAt, createdAt + asked.redeemWindow);
  const hash = await handleOf(powers, action, method);
  if (standing) {
    await withdrawChallenge(powers, standing.snapshot, "superseded");
    await powers.userCodes.remove(hash);
  }
  const whose = { clientId: client.id, userId: user.user.id, challengeId: id };
  const row = { ...whose, hash, kind: "enrolment", purpose: method, expiresAt };
  const put = () => powers.userCodes.insert(row, powers.clock.now());
  let written = await put();
  // A challenge is forgotten sooner than its row: a place that leads nowhere is free.
  const isTaken = written.ok && !written.value;
  if (isTaken && (await enrolmentOf(powers, action, method)) === undefined) {
    if (await powers.userCodes.remove(hash)) written = await put();
  }
  if (written.ok && written.value) return opened;
  await withdrawChallenge(powers, opened.value, "start_refused");
  return written.ok
    ? no({ code: "not_allowed", detail: "another enrolment began in the same moment" })
    : written;
}

/** Names the place of an action's enrolment in the directory; no user carries it, and it opens nothing by itself. */
const handleOf = (
  powers: Pick<Services, "handles">,
  action: Action,
  method: AddressMethod,
): Promise<string> =>
  powers.handles.digest([
    "authsignal_enrol",
    action.clientId,
    action.userId,
    action.code,
    action.idempotencyKey,
    method,
  ]);

/** The enrolment that the action's page began last by this method. */
export async function enrolmentOf(
  powers: Pick<Services, "userCodes" | "handles" | "clock" | "challenges">,
  action: Action,
  method: AddressMethod,
): Promise<AwaitedCode | undefined> {
  const row = await powers.userCodes.find(await handleOf(powers, action, method), powers.clock.now());
  const awaited = await awaitedCode(powers, action, row?.challengeId, [method]);
  return awaited?.use === "authsignal_enrol" ? awaited : undefined;
}
