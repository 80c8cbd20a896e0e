import type { ChallengeId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Instant } from "../time.ts";
import { countLetter, lettersMatterUntil, nextLetterAt, type Sender } from "./letters.ts";
import { GUESS_LIMIT } from "./limits.ts";
import type { InboxState, KeptCode } from "./state.ts";

export type CodeRequest = {
  readonly challengeId: ChallengeId;
  /** Keyed hash of the code with its challenge, identifier and purpose; the code itself never comes here. */
  readonly hash: string;
  /** Keyed name of the identifier as it is spelled: several spellings share this inbox. */
  readonly identifierId?: string;
  readonly expiresAt: Instant;
  /** When the challenge ends: its wrong guesses are counted until then. */
  readonly until?: Instant;
  /** The secret of a link. */
  readonly link?: true;
  /** Who has it sent; a stranger when it is missing. */
  readonly sender?: Sender;
};

type Step<T> = { readonly next: InboxState; readonly value: T };
export type PutCode = Result<true, RefusalOf<"out_of_guesses" | "too_many">>;
export type TriedCode = Result<true, RefusalOf<"wrong_code" | "out_of_guesses" | "expired">>;

/**
 * Keeps the code of a challenge, with the one before it, and counts the letter in the lane of its sender: the last two are good, because
 * letters overtake each other. Refused past a lane's limit, and for a challenge whose guesses are used up: wrong ones stay counted for
 * the challenge, over all its codes (T60).
 */
export function putCode(state: InboxState, request: CodeRequest, now: Instant): Step<PutCode> {
  const { challengeId, sender: _, ...code } = request;
  const before = keptCodes(state, now);
  const wrong = before[challengeId]?.wrong;
  if (isDead(before[challengeId])) return { next: state, value: no({ code: "out_of_guesses" }) };
  const retryAt = nextLetterAt(state, request, now);
  if (retryAt !== undefined) {
    return { next: state, value: no({ code: "too_many", scope: "person", retryAt }) };
  }
  const kept: KeptCode = {
    ...code,
    ...(wrong === undefined ? {} : { wrong }),
    ...previousOf(before[challengeId], code),
  };
  const codes = { ...before, [challengeId]: kept };
  return { next: { ...countLetter(state, request, now), codes }, value: ok(true) };
}

/** Codes and secrets of links never stand beside each other: guesses at the one are counted, at the other not. */
function previousOf(
  before: KeptCode | undefined,
  { link }: Pick<KeptCode, "link">,
): Pick<KeptCode, "previousCode"> {
  if (before === undefined || before.link !== link) return {};
  const { hash, expiresAt } = before;
  return { previousCode: { hash, expiresAt } };
}

/**
 * Tries a typed code and counts a wrong one, in one step: of a hundred guesses at once at most `GUESS_LIMIT` are compared (T63). The
 * fifth wrong one for a challenge kills that challenge's code, for good, and touches nothing else. Either of the
 * last two codes is right until one of them is. That one stays good for its own challenge until it expires: that can be decided once
 * only, and an answer that was lost may be asked for again.
 */
export function tryCode(
  state: InboxState,
  { challengeId, hash }: Pick<CodeRequest, "challengeId" | "hash">,
  now: Instant,
): Step<TriedCode> {
  const kept = state.codes[challengeId];
  if (kept === undefined || now >= endOf(kept)) return { next: state, value: no({ code: "expired" }) };
  if (isDead(kept)) return { next: state, value: no({ code: "out_of_guesses" }) };
  const live = liveCodes(kept, now);
  if (live.length === 0) return { next: state, value: no({ code: "expired" }) };
  const right = live.find((one) => one.hash === hash);
  if (right) return { next: used(state, challengeId, kept, right), value: ok(true) };
  if (kept.link) return { next: state, value: no({ code: "wrong_code", left: GUESS_LIMIT }) };
  const wrong = (kept.wrong ?? 0) + 1;
  const next = { ...state, codes: { ...state.codes, [challengeId]: { ...kept, wrong } } };
  const left = GUESS_LIMIT - wrong;
  return { next, value: no(left > 0 ? { code: "wrong_code", left } : { code: "out_of_guesses" }) };
}

/**
 * Whether this is the code of its challenge, without counting: only for a secret that nobody finds by trying, and for those who look
 * at what they were sent.
 */
export function holdsCode(
  state: InboxState,
  { challengeId, hash }: Pick<CodeRequest, "challengeId" | "hash">,
  now: Instant,
): boolean {
  const kept = state.codes[challengeId];
  return kept !== undefined && !isDead(kept) && liveCodes(kept, now).some((one) => one.hash === hash);
}

type OneCode = Pick<KeptCode, "hash" | "expiresAt">;

/** The last code and the one before it, each until its own end. */
const liveCodes = ({ hash, expiresAt, previousCode }: KeptCode, now: Instant): readonly OneCode[] =>
  [{ hash, expiresAt }, ...(previousCode ? [previousCode] : [])].filter((one) => now < one.expiresAt);

/** The other one of the two is over once one of them was right. */
function used(state: InboxState, id: ChallengeId, kept: KeptCode, { hash, expiresAt }: OneCode): InboxState {
  const { previousCode, ...alone } = kept;
  if (!previousCode) return state;
  return { ...state, codes: { ...state.codes, [id]: { ...alone, hash, expiresAt } } };
}

const isDead = (code: KeptCode | undefined): boolean => (code?.wrong ?? 0) >= GUESS_LIMIT;

/** A code is remembered as long as its challenge: a new one for that goes on with its count. */
const endOf = ({ expiresAt, until }: KeptCode): Instant => Math.max(expiresAt, until ?? 0);

const keptCodes = (state: InboxState, now: Instant): Readonly<Record<string, KeptCode>> =>
  Object.fromEntries(Object.entries(state.codes).filter(([, code]) => now < endOf(code)));

/** Until when anything about one-time codes is worth remembering. */
export const codesMatterUntil = (state: InboxState): Instant =>
  Math.max(lettersMatterUntil(state), ...Object.values(state.codes).map(endOf));
