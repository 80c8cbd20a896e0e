import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChallengeId } from "../../src/core/ids.ts";
import { putCode, tryCode } from "../../src/core/inbox/codes.ts";
import { CODE_LOCK, CODE_SENDS, GUESS_LIMIT } from "../../src/core/inbox/policy.ts";
import { EMPTY_INBOX } from "../../src/core/inbox/state.ts";
import { MINUTE } from "../../src/core/time.ts";

const LIFETIME = 10 * MINUTE;
const challenge = fc.constantFrom("a", "b", "c").map((id) => id as ChallengeId);
const step = fc.oneof(
  fc.record({ do: fc.constant("put" as const), id: challenge }),
  fc.record({ do: fc.constant("guess" as const), id: challenge, right: fc.boolean() }),
  fc.record({ do: fc.constant("wrong" as const), id: challenge, times: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 40 }) }),
);

/** Plays a story against the machine, and against what a reader of the rules would keep by hand. */
function play(story: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) {
  let state = EMPTY_INBOX;
  let now = 1_000_000;
  let serial = 0;
  const newest = new Map<string, { readonly hash: string; readonly until: number }>();
  let failures: number[] = [];
  const sends: number[] = [];
  const guess = (id: ChallengeId, hash: string) => {
    const before = state;
    const { next, value } = tryCode(state, { challengeId: id, hash }, now);
    state = next;
    const code = newest.get(id);
    if (value.ok) {
      // Only the newest code of this very challenge, in its time.
      expect(code?.hash).toBe(hash);
      expect(now).toBeLessThan(code?.until ?? 0);
      failures = [];
      return;
    }
    // Compared were those that were told so, and the one that began a lock.
    const locks = next.codeFailures?.lockedUntil !== before.codeFailures?.lockedUntil;
    if (value.error.code === "wrong_code" || locks) failures.push(now);
    if (value.error.code === "code_locked") newest.clear();
  };
  for (const one of story) {
    if (one.do === "wait") now += one.minutes * MINUTE;
    if (one.do === "put") {
      const hash = `hash ${++serial}`;
      const put = putCode(state, { challengeId: one.id, hash, expiresAt: now + LIFETIME }, now);
      state = put.next;
      if (put.value.ok) {
        newest.set(one.id, { hash, until: now + LIFETIME });
        sends.push(now);
      }
    }
    if (one.do === "guess") guess(one.id, one.right ? (newest.get(one.id)?.hash ?? "none") : "wrong");
    if (one.do === "wrong") for (let count = 0; count < one.times; count++) guess(one.id, "wrong");
  }
  return { failures, sends, state };
}

test("T63 no story lets a code pass that is not the newest of its challenge, nor more guesses than the limit between two locks", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (story) => {
      const { failures } = play(story);
      for (const [index, at] of failures.entries()) {
        const before = failures[index - GUESS_LIMIT];
        // Six wrong ones without a right one between: a lock lay between them.
        if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(CODE_LOCK);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("T71 no story sends more than each window allows", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (story) => {
      const { sends } = play(story);
      for (const { window, limit } of CODE_SENDS) {
        for (const at of sends) {
          expect(sends.filter((other) => at <= other && other < at + window).length).toBeLessThanOrEqual(
            limit,
          );
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what is remembered of codes survives JSON", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (story) => {
      const { state } = play(story);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }),
  );
});
