import type { JsonObject } from "../../../core/challenge/state.ts";
import type { ActionRule } from "../../../core/client/settings.ts";
import type { ChallengeId, ClientId, UserId } from "../../../core/ids.ts";
import type { Instant } from "../../../core/time.ts";

/** How an action stands (Authsignal §5.1, whose wire writes these in capitals). */
export const ACTION_STATES = [
  "allow",
  "block",
  "challenge_required",
  "challenge_succeeded",
  "challenge_failed",
  "review_required",
  "review_succeeded",
  "review_failed",
] as const;
export type ActionState = (typeof ACTION_STATES)[number];

/** One security event of one user, as a client's backend named it. */
export type ActionKey = {
  readonly clientId: ClientId;
  readonly userId: UserId;
  /** Letters, digits, `_` and `-`, at most 64 (Authsignal §5.2). */
  readonly code: string;
  readonly idempotencyKey: string;
};

/** What the backend said about the event; `name` is its own word for the user. */
export type ActionContext = {
  readonly name: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly deviceId?: string;
  readonly locale?: string;
  readonly custom?: JsonObject;
};

/** How a challenge of an action was met. */
export type ActionMethod = "push" | "device" | "email" | "link" | "sms" | "whatsapp";

/**
 * A tracked action: a row that is written when it is tracked, when a challenge of it begins and when it is settled. In between
 * its state is that of its current challenge (settled question 26).
 */
export type Action = ActionKey & {
  readonly state: ActionState;
  readonly stateAt: Instant;
  readonly createdAt: Instant;
  readonly method?: ActionMethod;
  /** The device or identifier that met it. */
  readonly verifiedBy?: string;
  /** The challenge that began last. */
  readonly challengeId?: ChallengeId;
  readonly context: ActionContext;
};

/** The part of an action by which it is found. */
export const keyOf = ({ clientId, userId, code, idempotencyKey }: ActionKey): ActionKey => ({
  clientId,
  userId,
  code,
  idempotencyKey,
});

/**
 * How a new action begins: by the client's rule for its code, else a challenge; nobody is asked who never had a way to answer. Whoever
 * lost theirs is asked all the same: a way that was taken away must not be a way round.
 */
export function firstState(rule: ActionRule | undefined, mustMeet: boolean, isLocked: boolean): ActionState {
  if (isLocked || rule === "block") return "block";
  if (rule === "review") return "review_required";
  return rule !== "allow" && mustMeet ? "challenge_required" : "allow";
}

/**
 * States in which no challenge begins or succeeds (Authsignal §5.1): a blocked action refuses, a met one is met, and a review is settled
 * by the backend's own word alone.
 */
export const CLOSED_STATES: readonly ActionState[] = [
  "block",
  "challenge_succeeded",
  "review_required",
  "review_succeeded",
  "review_failed",
];

/** Whether a challenge of the action may begin, or one that began may still succeed. */
export const isOpen = (state: ActionState): boolean => !CLOSED_STATES.includes(state);

/**
 * States in which an approval meets the action, or finds it met. One that has failed is met by a challenge that begins anew, which makes
 * it `challenge_required` again, and by none that was under way.
 */
export const mayBeMet = (state: ActionState): boolean =>
  state === "allow" || state === "challenge_required" || state === "challenge_succeeded";

/** Whether a challenge may begin for an action that nobody tracked, by the client's rule for its code. */
export const mayBegin = (rule: ActionRule | undefined): boolean => rule !== "block" && rule !== "review";
