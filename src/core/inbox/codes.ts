import type { ChallengeId } from "../ids.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Instant, Millis } from "../time.ts";
import { CODE_LOCK, CODE_LOCK_LONGEST, CODE_SENDS, GUESS_LIMIT, IDLE_COUNTER } from "./policy.ts";
import type { InboxState, KeptCode } from "./state.ts";

export type CodeRequest = {
  readonly challengeId: ChallengeId;
  /** Keyed hash of the code with its challenge, identifier and purpose; the code itself never comes here. */
  readonly hash: string;
  /** Keyed name of the identifier as it is spelled: several spellings share this inbox. */
  readonly identifierId?: string;
  readonly expiresAt: Instant;
};

type Step<T> = { readonly next: InboxState; readonly value: T };
export type PutCode = Result<true, RefusalOf<"code_locked" | "too_many">>;
export type TriedCode = Result<true, RefusalOf<"wrong_code" | "code_locked" | "expired">>;

/**
 * Keeps the code of a challenge in the place of its earlier one and counts the sending against the rolling windows of this
 * identifier. Refused while it is locked, and past a window's limit. Wrong guesses stay counted (T60).
 */
export function putCode(state: InboxState, request: CodeRequest, now: Instant): Step<PutCode> {
  const locked = lockedUntil(state, now);
  if (locked !== undefined) return { next: state, value: no({ code: "code_locked", until: locked }) };
  const retryAt = sendAgainAt(state.codeSends, now);
  if (retryAt !== undefined) {
    return { next: state, value: no({ code: "too_many", scope: "person", retryAt }) };
  }
  const { challengeId, ...kept } = request;
  const codes = { ...liveCodes(state, now), [challengeId]: kept };
  const codeSends = [...state.codeSends.filter((at) => now < at + LONGEST_WINDOW), now];
  return { next: { ...state, codes, codeSends }, value: ok(true) };
}

/**
 * Tries a typed code, in one step that counts before it compares: of a hundred guesses at once at most `GUESS_LIMIT` are
 * compared (T63). The last wrong one kills every code of this identifier and locks it, twice as long each time within a day. A
 * right one forgets the failures, unless another spelling has some of them: whoever owns that one address has not proven this one. It
 * stays good for its own challenge until it expires: that can be decided once only, and an answer that was lost may be asked for
 * again.
 */
export function tryCode(
  state: InboxState,
  guess: Pick<CodeRequest, "challengeId" | "hash">,
  now: Instant,
): Step<TriedCode> {
  const locked = lockedUntil(state, now);
  if (locked !== undefined) return { next: state, value: no({ code: "code_locked", until: locked }) };
  const kept = state.codes[guess.challengeId];
  if (kept === undefined || now >= kept.expiresAt) return { next: state, value: no({ code: "expired" }) };
  const counted = countFailure(state, kept, now);
  if (kept.hash !== guess.hash) return { next: counted, value: no(wrong(counted, now)) };
  const { codeFailures, ...rest } = state;
  const isOwn = codeFailures?.identifierId === kept.identifierId;
  return { next: isOwn ? rest : state, value: ok(true) };
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
  return liveCodes(state, now)[challengeId]?.hash === hash;
}

/** When this identifier may be tried again; undefined: now. */
function lockedUntil({ codeFailures }: InboxState, now: Instant): Instant | undefined {
  const until = codeFailures?.lockedUntil;
  return until !== undefined && now < until ? until : undefined;
}

/** Whose the failures are once several spellings have some: nobody's. */
const SEVERAL = "several";

function countFailure(state: InboxState, { identifierId }: KeptCode, now: Instant): InboxState {
  const known = state.codeFailures;
  const before = known && now < known.until ? known : { count: 0, locks: 0, identifierId };
  const count = before.count + 1;
  const until = now + IDLE_COUNTER;
  const name = before.identifierId === identifierId ? identifierId : SEVERAL;
  const own = name === undefined ? {} : { identifierId: name };
  if (count < GUESS_LIMIT) return { ...state, codeFailures: { count, locks: before.locks, until, ...own } };
  const lock: Millis = Math.min(CODE_LOCK * 2 ** before.locks, CODE_LOCK_LONGEST);
  const locks = before.locks + 1;
  const codeFailures = { count: 0, locks, until: until + lock, lockedUntil: now + lock, ...own };
  return { ...state, codes: {}, codeFailures };
}

function wrong(state: InboxState, now: Instant): RefusalOf<"wrong_code" | "code_locked"> {
  const until = lockedUntil(state, now);
  if (until !== undefined) return { code: "code_locked", until };
  return { code: "wrong_code", left: GUESS_LIMIT - (state.codeFailures?.count ?? 0) };
}

const LONGEST_WINDOW = Math.max(...CODE_SENDS.map(({ window }) => window));

/** When a window that is full lets the next one through; undefined: none is full. */
function sendAgainAt(sends: readonly Instant[], now: Instant): Instant | undefined {
  const free = CODE_SENDS.map(({ window, limit }) => {
    const inside = sends.filter((at) => now < at + window);
    const oldest = inside.at(-limit);
    return oldest === undefined ? now : oldest + window;
  });
  const at = Math.max(...free);
  return at > now ? at : undefined;
}

const liveCodes = (state: InboxState, now: Instant): Readonly<Record<string, KeptCode>> =>
  Object.fromEntries(Object.entries(state.codes).filter(([, code]) => now < code.expiresAt));

/** Until when anything about one-time codes is worth remembering. */
export const codesMatterUntil = (state: InboxState): Instant =>
  Math.max(
    0,
    state.codeFailures?.until ?? 0,
    ...Object.values(state.codes).map((code) => code.expiresAt),
    ...state.codeSends.map((at) => at + LONGEST_WINDOW),
  );
