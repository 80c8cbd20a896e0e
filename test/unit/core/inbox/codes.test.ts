import { expect, test } from "vitest";
import { ONE_TIME_CODE_LIFETIME } from "../../../../src/core/code/lifetimes.ts";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import { type CodeRequest, holdsCode, putCode, tryCode } from "../../../../src/core/inbox/codes.ts";
import { GUESS_LIMIT, OPEN_LETTERS } from "../../../../src/core/inbox/limits.ts";
import { EMPTY_INBOX, type InboxState } from "../../../../src/core/inbox/state.ts";
import { DAY, MINUTE } from "../../../../src/core/time.ts";

const NOW = 1_790_000_000_000;
const challengeId = "a".repeat(64) as ChallengeId;

const put = (state: InboxState, hash: string, at = NOW, over: Partial<CodeRequest> = {}): InboxState => {
  const request = { challengeId, hash, expiresAt: at + ONE_TIME_CODE_LIFETIME, until: NOW + DAY, ...over };
  const step = putCode(state, request, at);
  expect(step.value).toEqual({ ok: true, value: true });
  return step.next;
};
const tried = (state: InboxState, hash: string, at = NOW) => tryCode(state, { challengeId, hash }, at);
const right = { ok: true, value: true };
const wrong = (left: number) => ({ ok: false, error: { code: "wrong_code", left } });

test("T220 C17 either of the last two codes is right, and no older one", () => {
  const state = put(put(put(EMPTY_INBOX, "first"), "second"), "third");
  expect(tried(state, "third").value).toEqual(right);
  expect(tried(state, "second").value).toEqual(right);
  expect(tried(state, "first").value).toEqual(wrong(GUESS_LIMIT - 1));
  expect(holdsCode(state, { challengeId, hash: "second" }, NOW)).toBe(true);
  expect(holdsCode(state, { challengeId, hash: "first" }, NOW)).toBe(false);
});

test("T220 C17 the code that was used stays good for a lost answer, and the other one of the two is over", () => {
  const both = put(put(EMPTY_INBOX, "first"), "second");
  for (const [used, other] of [
    ["first", "second"],
    ["second", "first"],
  ] as const) {
    const { next } = tried(both, used);
    expect(tried(next, used).value).toEqual(right);
    expect(tried(next, other).value).toEqual(wrong(GUESS_LIMIT - 1));
  }
  const once = put(EMPTY_INBOX, "only");
  expect(tried(once, "only").next).toBe(once);
});

test("T220 C17 each of the two ends by its own time", () => {
  const state = put(put(EMPTY_INBOX, "first"), "second", NOW + 4 * MINUTE);
  expect(tried(state, "first", NOW + ONE_TIME_CODE_LIFETIME - 1).value).toEqual(right);
  expect(tried(state, "first", NOW + ONE_TIME_CODE_LIFETIME).value).toEqual(wrong(GUESS_LIMIT - 1));
  expect(tried(state, "second", NOW + ONE_TIME_CODE_LIFETIME).value).toEqual(right);
  expect(tried(state, "second", NOW + ONE_TIME_CODE_LIFETIME + 4 * MINUTE).value).toEqual({
    ok: false,
    error: { code: "expired" },
  });
});

test("T220 C17 two live codes have the five guesses of one: a letter never buys more than five chances", () => {
  let state = put(put(EMPTY_INBOX, "first"), "second");
  for (let guess = 1; guess < GUESS_LIMIT; guess++) state = tried(state, `x${guess}`).next;
  const last = tried(state, "x");
  expect(last.value).toEqual({ ok: false, error: { code: "out_of_guesses" } });
  for (const hash of ["first", "second"]) expect(tried(last.next, hash).value).toEqual(last.value);
  const most = OPEN_LETTERS.find(({ window }) => window === DAY)?.limit ?? 0;
  for (let letters = 1; letters <= most; letters++) {
    // So many challenges of so many letters each, and at most two codes of each can be hit.
    const chances = Math.floor(most / letters) * GUESS_LIMIT * Math.min(2, letters);
    expect(chances).toBeLessThanOrEqual(most * GUESS_LIMIT);
  }
});

test("T220 C17 a code never stands beside the secret of a link, whose guesses are not counted", () => {
  const linkLast = put(put(EMPTY_INBOX, "digits"), "secret", NOW, { link: true });
  expect(tried(linkLast, "digits").value).toMatchObject({ ok: false });
  const codeLast = put(put(EMPTY_INBOX, "secret", NOW, { link: true }), "digits");
  expect(tried(codeLast, "secret").value).toEqual(wrong(GUESS_LIMIT - 1));
  const links = put(put(EMPTY_INBOX, "old", NOW, { link: true }), "new", NOW, { link: true });
  expect(tried(links, "old").value).toEqual(right);
});

test("T220 C17 a code that was kept before there were two is read", () => {
  const codes = { [challengeId]: { hash: "old", expiresAt: NOW + MINUTE, wrong: 2 } };
  const state = put({ ...EMPTY_INBOX, codes }, "new");
  expect(tried(state, "old").value).toEqual(right);
  expect(tried(state, "x").value).toEqual(wrong(2));
});
