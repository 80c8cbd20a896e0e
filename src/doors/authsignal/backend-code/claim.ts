import type { Requester } from "../../../core/audit/record.ts";
import { finishedEvent, recordFinish } from "../../../core/challenge/record.ts";
import { redeemDraft } from "../../../core/challenge/redeem.ts";
import type { Facts, JsonObject } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { actionRule } from "../../../core/client/settings.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import type { Applied, Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { isOver } from "../../../core/user/user.ts";
import { type Action, firstState, isOpen, keyOf, mayBegin } from "../action/action.ts";
import { settleAction } from "../action/settle.ts";
import { countedFor, enrolledOf, mustMeet } from "../enrolment/enrolled.ts";
import { inactiveSince } from "../push/inactive-since.ts";
import { ensureNamedUser, findNamedUser } from "../user/find.ts";
import type { BackendCode } from "./backend-code.ts";
import { type BackendChallenge, backendCodeAt } from "./read.ts";

export type BackendClaim = {
  readonly client: Client;
  /** The client as the door's token lengths see it. */
  readonly lengths: Client;
  readonly challengeId: ChallengeId | undefined;
  /** The backend's own word for the user whose challenge it is. */
  readonly name: string;
  /** The backend answers for what was not verified here. */
  readonly unverified: boolean;
  readonly by: Requester;
};

export type Claimed = {
  readonly action: Action;
  readonly code: BackendCode;
  readonly challengeId: ChallengeId;
  /** What the accessToken says; absent when nothing was verified, so that the action stands as its rule has it. */
  readonly facts?: Facts;
};

type Powers = Pick<Services, "challenges" | "actions" | "handles" | "clock"> &
  Parameters<typeof redeemDraft>[0] &
  Parameters<typeof ensureNamedUser>[0] &
  Parameters<typeof recordFinish>[0] &
  Parameters<typeof settleAction>[0] &
  Parameters<typeof enrolledOf>[0] &
  Parameters<typeof inactiveSince>[0];

const CLOSED = no({ code: "not_allowed", detail: "the action takes no challenge" } as const);
const ANOTHERS = no({ code: "not_allowed", detail: "the challenge is another user's" } as const);

/**
 * Says whose a backend's challenge is (Authsignal §9.1, `claim`). The first name that a verified one is claimed for wins, in the challenge's
 * object; the same claim again is answered alike while its token lives. Only the winner's user is made when unknown, and no address moves.
 * Refused: `unknown_challenge`, `not_approved` before the code came back, `redeemed` for another name, `user_locked`, an action that takes
 * no challenge.
 */
export async function claimBackendCode(
  powers: Powers,
  asked: BackendClaim,
): Promise<Result<Claimed, Refusal>> {
  const awaited = await backendCodeAt(powers, asked.client.id, asked.challengeId);
  if (!awaited) return no({ code: "unknown_challenge" });
  const { spec, view } = awaited.snapshot;
  const user = await findNamedUser(powers, asked.client, asked.name);
  if (spec.userId !== undefined && user?.user.id !== spec.userId) return ANOTHERS;
  if (user?.user.status === "locked") return no({ code: "user_locked" });
  if (user && isOver(user.user, spec.createdAt)) return no({ code: "unknown_challenge" });
  if (!user && asked.client.settings.user_ids === "subject") return no({ code: "unknown_user" });
  if (spec.userId === undefined && !mayBegin(actionRule(asked.client.settings, codeOf(awaited))))
    return CLOSED;
  const row = user && (await powers.actions.find(keyFor(awaited, user)));
  if (row && !mayTake(row, awaited)) return CLOSED;
  if (!view.approval) {
    return asked.unverified ? await claimUnverified(powers, asked, awaited) : no({ code: "not_approved" });
  }
  // What only enrolled an address has met nothing: its token says how the action stands.
  const meets = spec.userId === undefined || awaited.code.meets;
  if (meets) return await claimVerified(powers, asked, awaited);
  return row
    ? ok({ action: row, code: awaited.code, challengeId: spec.id })
    : no({ code: "unknown_challenge" });
}

/**
 * What another challenge or word has closed takes no claim; nor does what this one has failed, or had met before that was taken back. One
 * of the same idempotency key that is long forgotten had this one's id, and was another.
 */
function mayTake(
  { state, stateAt, challengeId, method }: Action,
  { snapshot, code }: BackendChallenge,
): boolean {
  const { id, createdAt, userId } = snapshot.spec;
  if (challengeId !== id || stateAt < createdAt) {
    // Nobody's begins for its claimer with the claim; a user's was under way when the action failed.
    const wasUnderWay = userId !== undefined && code.meets;
    return isOpen(state) && !(wasUnderWay && state === "challenge_failed");
  }
  const hadItsSay = state === "challenge_failed" || method !== undefined;
  return state === "challenge_succeeded" || (isOpen(state) && !hadItsSay);
}

const codeOf = ({ snapshot: { spec } }: BackendChallenge): string => String(spec.context.action);

const keyFor = ({ snapshot: { spec } }: BackendChallenge, { user }: UserRecord) => ({
  clientId: spec.clientId,
  userId: user.id,
  code: String(spec.context.action),
  idempotencyKey: String(spec.context.idem),
});

async function claimVerified(
  powers: Powers,
  asked: BackendClaim,
  awaited: BackendChallenge,
): Promise<Result<Claimed, Refusal>> {
  const { id } = awaited.snapshot.spec;
  const redeemed = await powers.challenges.apply(id, {
    name: "redeem",
    waiterProof: await powers.handles.waiterProof(["backend_code", asked.client.id, id, asked.name]),
    draft: await redeemDraft(powers, asked.lengths, "standard", undefined),
    ...(asked.by.ip === undefined ? {} : { ip: asked.by.ip }),
  });
  if (!redeemed.ok) return redeemed;
  const { facts } = redeemed.value;
  if (!facts) throw new Error("a redeemed challenge has facts");
  const named = await ensureNamedUser(powers, asked.client, asked.name, asked.by);
  if (!named.ok) return named;
  const user = named.value;
  if (!redeemed.value.listed) await note(powers, redeemed.value, user);
  const action = await actionFor(powers, asked, awaited, user);
  if (!action) return no({ code: "unknown_user" });
  const begun = await powers.actions.begin(keyOf(action), id, powers.clock.now());
  const current = begun ? { ...action, challengeId: id } : action;
  const settled = await settleAction(powers, asked.client, current, redeemed.value);
  if (settled.state === "challenge_succeeded" && settled.challengeId === id) {
    return ok({ action: settled, code: awaited.code, challengeId: id, facts });
  }
  return no((await inactiveSince(powers, { userId: user.user.id })) ?? CLOSED.error);
}

/** The audit row of a finished challenge, with the user whom the claim has named. */
const note = (powers: Powers, applied: Applied, { user }: UserRecord): Promise<unknown> =>
  recordFinish(powers, applied.spec.id, { ...finishedEvent(applied), userId: user.id });

/** A claim without a code ends the challenge, for one name alone; what was sent meets nothing any more. */
async function claimUnverified(
  powers: Powers,
  asked: BackendClaim,
  awaited: BackendChallenge,
): Promise<Result<Claimed, Refusal>> {
  const { snapshot, code } = awaited;
  const { id, userId } = snapshot.spec;
  const whose = ["backend_code", asked.client.id, id, userId ?? asked.name];
  const word = `claim:${await powers.handles.digest(whose)}`;
  const ended = await powers.challenges.apply(id, { name: "cancel", by: word });
  if (!ended.ok) return ended;
  if (ended.value.view.state !== "cancelled") return no({ code: "expired" });
  if (lastWord(ended.value) !== word) return userId === undefined ? ANOTHERS : no({ code: "cancelled" });
  const user = await ensureNamedUser(powers, asked.client, asked.name, asked.by);
  if (!user.ok) return user;
  const action = await actionFor(powers, asked, awaited, user.value);
  return action ? ok({ action, code, challengeId: id }) : no({ code: "unknown_user" });
}

const lastWord = ({ timeline }: Snapshot): string | undefined => timeline.at(-1)?.by;

/** The user's action of the challenge: its row, or one that is written now as `track` would. Undefined: the user was deleted meanwhile. */
async function actionFor(
  powers: Powers,
  { client, name }: BackendClaim,
  awaited: BackendChallenge,
  user: UserRecord,
): Promise<Action | undefined> {
  const { spec } = awaited.snapshot;
  const { custom, device_id: deviceId } = spec.context;
  const { ip, userAgent } = spec.origin;
  // As old as what was asked: a claim that is repeated after an outage finds its row no younger than the approval.
  const at = spec.createdAt;
  const rule = actionRule(client.settings, codeOf(awaited));
  const able = mustMeet(countedFor(client, user, await enrolledOf(powers, user.user.id)));
  return await powers.actions.track({
    ...keyFor(awaited, user),
    state: firstState(rule, able, user.user.status === "locked"),
    stateAt: at,
    createdAt: at,
    context: {
      name,
      ...(ip === undefined ? {} : { ip }),
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(typeof deviceId === "string" ? { deviceId } : {}),
      ...(custom === undefined ? {} : { custom: custom as JsonObject }),
    },
  });
}
