import { isStranger } from "../caller.ts";
import { admits, type Enroller } from "../challenge/approvers.ts";
import type { DecisionKind } from "../challenge/state.ts";
import type { ChallengeId, DeviceId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { type Instant, MINUTE, toSeconds } from "../time.ts";
import { countStartHere, liveCounters, type StartHere } from "./counters.ts";
import { countDenial, silentUntil, sweepDenials } from "./denials.ts";
import { isRemoved } from "./ending.ts";
import {
  OPEN_PROMPTS,
  OPEN_PROMPTS_OF_CLIENT,
  PROMPT_WINDOW,
  PROMPTS_OF_NETWORK,
  PROMPTS_PER_MINUTE,
} from "./limits.ts";
import { compareNamed, type Named } from "./named.ts";
import { endWaits } from "./recovery.ts";
import { isSpentElsewhere, spend, unsignedSecond } from "./spent.ts";
import type { InboxState, Prompt, Subscription } from "./state.ts";
import { subscribersTo } from "./subscriptions.ts";
import { freeAt, latest } from "./windows.ts";

export type PromptRequest = Omit<Prompt, "signingSecond" | "listedAt" | "status">;

export type Listed = {
  readonly outcome: "listed" | "suppressed";
  readonly signingSecond: number;
  readonly superseded?: ChallengeId;
  readonly reason?: KeptBack["reason"];
  /** When the same start would be listed, if nothing else happened. */
  readonly retryAt?: Instant;
  /** Whom the prompt wakes; only of one that is listed, and missing where there is nobody. */
  readonly push?: readonly Subscription[];
};

/** `yields`: a prompt of the same client stands, whose asker brought something, and this one did not. */
type KeptBack = { readonly reason: "too_many" | "silenced" | "yields"; readonly retryAt: Instant };

/**
 * Counts a start about this user, and lists its prompt if there is one to show. Where the start is one too many nothing changes; one that
 * is listed (a call whose answer was lost) is not counted again.
 */
export function listCounted(
  state: InboxState,
  start: StartHere,
  request: PromptRequest | undefined,
  now: Instant,
): Step<Result<Listed | undefined, RefusalOf<"too_many">>> {
  const isKnown = request !== undefined && findPrompt(state, request.challengeId) !== undefined;
  const { next, fullUntil } = isKnown ? { next: state } : countStartHere(state, start, now);
  if (fullUntil !== undefined)
    return { next: state, value: no({ code: "too_many", scope: "person", retryAt: fullUntil }) };
  if (request === undefined) return { next, value: ok(undefined) };
  const listed = list(next, request, now);
  return { next: listed.next, value: ok(listed.value) };
}

type Step<T> = { readonly next: InboxState; readonly value: T };

/**
 * Puts a challenge before the user, or keeps it from them: over five a minute, past the share of strangers, of a network or of a
 * client, or silenced after three denials. A listed prompt ends the live one of the same client (settled question 18), but a
 * stranger's ends none of a caller who brought something. Nothing is ever sent again by itself; asking again for a challenge that is
 * listed (a call whose answer was lost) changes nothing.
 */
export function list(state: InboxState, request: PromptRequest, now: Instant): Step<Listed> {
  const known = findPrompt(state, request.challengeId);
  if (known) {
    const { signingSecond, status } = known;
    const push = status.name === "live" ? pushOf(state, known) : {};
    return { next: state, value: { outcome: "listed", signingSecond, ...push } };
  }
  const kept = sweep(state, now);
  const rival = livePrompts(kept, now).find((prompt) => prompt.clientId === request.clientId);
  const back = keptBack(kept, request, rival, now);
  if (back) {
    const blocked = { count: kept.blocked.count + 1, last: now };
    return {
      next: { ...kept, blocked },
      value: { outcome: "suppressed", signingSecond: toSeconds(now), ...back },
    };
  }
  const signingSecond = nextSecond(kept, now);
  const older = kept.prompts.map(
    (prompt): Prompt =>
      prompt === rival ? { ...prompt, status: { name: "superseded", by: request.challengeId } } : prompt,
  );
  const prompt: Prompt = { ...request, signingSecond, listedAt: now, status: { name: "live" } };
  const next = {
    ...kept,
    prompts: [...older, prompt],
    sent: [...kept.sent, now],
    lastSigningSecond: signingSecond,
  };
  return {
    next,
    value: {
      outcome: "listed",
      signingSecond,
      ...(rival ? { superseded: rival.challengeId } : {}),
      ...pushOf(next, prompt),
    },
  };
}

function pushOf(state: InboxState, prompt: Prompt): Pick<Listed, "push"> {
  const push = subscribersTo(state, prompt);
  return push.length === 0 ? {} : { push };
}

/** Of this inbox alone: later than any prompt's before, and none that a device has signed by itself. */
const nextSecond = (state: InboxState, now: Instant): number =>
  unsignedSecond(state, Math.max(toSeconds(now), state.lastSigningSecond + 1));

function keptBack(
  state: InboxState,
  request: PromptRequest,
  rival: Prompt | undefined,
  now: Instant,
): KeptBack | undefined {
  const silent = silentUntil(state, request, now);
  if (silent !== undefined) return { reason: "silenced", retryAt: silent };
  if (rival && isStranger(request.caller) && !isStranger(rival.caller)) {
    return { reason: "yields", retryAt: rival.expiresAt };
  }
  const free = placeAt(state, request, now);
  return free === undefined ? undefined : { reason: "too_many", retryAt: free };
}

/**
 * When there is a place for this asker among the user's prompts of a minute; undefined: now. Strangers at a client and those who
 * brought something there are counted apart: anybody may name a client, and must not use up what is its own.
 */
function placeAt(state: InboxState, { caller, clientId }: PromptRequest, now: Instant): Instant | undefined {
  const stranger = isStranger(caller);
  const network = stranger ? caller?.network : undefined;
  const isOfKind = (prompt: Prompt) => prompt.clientId === clientId && isStranger(prompt.caller) === stranger;
  const isOfNetwork = (prompt: Prompt) => isStranger(prompt.caller) && prompt.caller?.network === network;
  const times = (isCounted: (prompt: Prompt) => boolean) =>
    state.prompts.filter(isCounted).map(({ listedAt }) => listedAt);
  const rule = (limit: number) => ({ window: PROMPT_WINDOW, limit });
  return latest([
    freeAt(state.sent, rule(stranger ? OPEN_PROMPTS : PROMPTS_PER_MINUTE), now),
    freeAt(times(isOfKind), rule(stranger ? OPEN_PROMPTS_OF_CLIENT : OPEN_PROMPTS), now),
    network === undefined ? undefined : freeAt(times(isOfNetwork), rule(PROMPTS_OF_NETWORK), now),
  ]);
}

/** Prompts that await a decision, newest first. */
export const livePrompts = (state: InboxState, now: Instant): readonly Prompt[] =>
  state.prompts
    .filter((prompt) => prompt.status.name === "live" && now < prompt.expiresAt)
    .toSorted((a, b) => b.signingSecond - a.signingSecond);

/** A prompt by its challenge id, decided and superseded ones included until they are swept. */
export const findPrompt = (state: InboxState, challengeId: ChallengeId): Prompt | undefined =>
  state.prompts.find((prompt) => prompt.challengeId === challengeId);

/** `named` stands for the challenge where a door speaks in numbers. */
export type Answer = ({ readonly challengeId: ChallengeId } | { readonly named: Named }) & {
  readonly decision: DecisionKind;
  /** Digest of the signing input, which is spent by this. */
  readonly digest: string;
  /** The answering device. */
  readonly deviceId?: DeviceId;
  /** When the answering device was enrolled: a younger one than the request must not close its prompt (T25). */
  readonly enrolledAt?: Instant;
  /** The client that enrolled the answering device: one that may not answer must not close the prompt either. */
  readonly through?: Enroller;
};

export type SettleRefusal = RefusalOf<
  | "unknown_challenge"
  | "prompt_mismatch"
  | "superseded"
  | "replayed"
  | "expired"
  | "cancelled"
  | "device_too_young"
  | "device_revoked"
  | "device_of_another_client"
>;

/**
 * Takes the user's answer to a prompt in one step: the prompt closes, the signing input is spent, a denial is counted. An
 * answer to a prompt that is decided already passes unchanged: the challenge itself says who won.
 */
export function settlePrompt(
  state: InboxState,
  answer: Answer,
  now: Instant,
): Step<Result<Prompt, SettleRefusal>> {
  const found = findAnswered(state, answer);
  if (!found.ok) return { next: state, value: found };
  const prompt = found.value;
  const refuse = (code: SettleRefusal["code"]) => ({ next: state, value: no({ code } as SettleRefusal) });
  const { deviceId } = answer;
  if (deviceId !== undefined && isRemoved(state, deviceId, now)) return refuse("device_revoked");
  if (isSpentElsewhere(state, answer.digest, prompt.challengeId, now)) {
    return { ...refuse("replayed"), next: signedElsewhere(state, prompt, now) };
  }
  switch (prompt.status.name) {
    case "superseded":
      return refuse("superseded");
    case "withdrawn":
      return refuse("cancelled");
    case "decided":
      return { next: state, value: ok(prompt) };
    case "live":
      break;
  }
  if (now >= prompt.expiresAt) return refuse("expired");
  if (answer.through !== undefined && !admits(prompt, answer.through))
    return refuse("device_of_another_client");
  if (answer.enrolledAt !== undefined && answer.enrolledAt > prompt.startedAt)
    return refuse("device_too_young");
  const closed: Prompt = {
    ...prompt,
    status: {
      name: "decided",
      decision: answer.decision,
      digest: answer.digest,
      ...(deviceId === undefined ? {} : { deviceId }),
    },
  };
  const used = deviceId === undefined ? state : endWaits(state, now);
  const next = replace(spend(sweep(used, now), answer.digest, prompt.challengeId, now), closed);
  return {
    next: answer.decision === "deny" ? countDenial(next, prompt, now) : heard(next),
    value: ok(prompt),
  };
}

function findAnswered(state: InboxState, answer: Answer): ReturnType<typeof compareNamed> {
  if ("named" in answer) return compareNamed(state.prompts, answer.named);
  const prompt = findPrompt(state, answer.challengeId);
  return prompt ? ok(prompt) : no({ code: "unknown_challenge" });
}

/**
 * The device has signed this prompt's input for a sign-in of its own, in the same second. That is never an answer, so the prompt gets
 * another second: shown again, it can be answered.
 */
function signedElsewhere(state: InboxState, prompt: Prompt, now: Instant): InboxState {
  if (prompt.status.name !== "live" || now >= prompt.expiresAt) return state;
  const signingSecond = nextSecond(state, now);
  return { ...replace(state, { ...prompt, signingSecond }), lastSigningSecond: signingSecond };
}

/**
 * Takes a prompt from the list without a decision: its challenge was cancelled. Unknown and decided ones stay as they are, and so does one
 * of another respond number where one is given.
 */
export function withdraw(state: InboxState, challengeId: ChallengeId, respondNumber?: number): InboxState {
  const prompt = findPrompt(state, challengeId);
  if (respondNumber !== undefined && prompt?.respondNumber !== respondNumber) return state;
  return prompt?.status.name === "live"
    ? replace(state, { ...prompt, status: { name: "withdrawn" } })
    : state;
}

const replace = (state: InboxState, prompt: Prompt): InboxState => ({
  ...state,
  prompts: state.prompts.map((other) => (other.challengeId === prompt.challengeId ? prompt : other)),
});

const heard = (state: InboxState): InboxState => ({ ...state, blocked: { count: 0 } });

/** Keeps ended prompts a minute past their end, so that a late answer is told why; shares of a minute are counted over them. */
const PROMPT_MEMORY = Math.max(MINUTE, PROMPT_WINDOW);

/** Drops what no rule looks at any more; called by every step that writes anyway. */
export function sweep(state: InboxState, now: Instant): InboxState {
  return {
    ...sweepDenials(state, now),
    prompts: state.prompts.filter(
      ({ expiresAt, listedAt }) => now < Math.max(expiresAt, listedAt) + PROMPT_MEMORY,
    ),
    sent: state.sent.filter((at) => now < at + PROMPT_WINDOW),
    spent: Object.fromEntries(Object.entries(state.spent).filter(([, mark]) => now < mark.until)),
    removed: Object.fromEntries(Object.entries(state.removed).filter(([, until]) => now < until)),
    counters: liveCounters(state.counters, now),
    ...(state.starts ? { starts: liveCounters(state.starts, now) } : {}),
  };
}
