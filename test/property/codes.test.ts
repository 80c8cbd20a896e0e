import fc from "fast-check";
import { expect, test } from "vitest";
import type { Caller } from "../../src/core/caller.ts";
import type { ChallengeId, ClientId } from "../../src/core/ids.ts";
import { holdsCode, putCode, tryCode } from "../../src/core/inbox/codes.ts";
import type { Sender } from "../../src/core/inbox/letters.ts";
import {
  CHOSEN_LETTERS,
  GUESS_LIMIT,
  halfOf,
  OPEN_LETTERS,
  OWN_LETTERS,
  SPELLINGS,
} from "../../src/core/inbox/limits.ts";
import { EMPTY_INBOX } from "../../src/core/inbox/state.ts";
import { DAY, MINUTE } from "../../src/core/time.ts";

const LIFETIME = 10 * MINUTE;
const CHALLENGE = 45 * MINUTE;
const challenge = fc.constantFrom("a", "b", "c").map((id) => id as ChallengeId);
const caller: fc.Arbitrary<Caller> = fc.oneof(
  {
    arbitrary: fc.record({ brought: fc.constant("nothing" as const), network: fc.constantFrom("n1", "n2") }),
    weight: 3,
  },
  { arbitrary: fc.constantFrom<Caller>({ brought: "nothing" }, { brought: "browser" }), weight: 2 },
  {
    arbitrary: fc.record({ brought: fc.constant("secret" as const), network: fc.constantFrom("n1", "n2") }),
    weight: 2,
  },
);
const sender = fc
  .record({
    caller,
    clientId: fc.constantFrom("bank" as ClientId, "blog" as ClientId),
    isChosen: fc.boolean(),
  })
  .map(({ isChosen, ...rest }): Sender => (isChosen ? { ...rest, unproven: true } : rest));
const step = fc.oneof(
  fc.record({
    do: fc.constant("put" as const),
    id: challenge,
    sender,
    identifierId: fc.constantFrom("wal.ter", "walter"),
  }),
  fc.record({ do: fc.constant("guess" as const), id: challenge, right: fc.boolean() }),
  fc.record({ do: fc.constant("wrong" as const), id: challenge, times: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 40 }) }),
);
const letters = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({
        do: fc.constant("put" as const),
        id: fc.nat({ max: 500 }).map((id) => `${id}` as ChallengeId),
        sender,
        identifierId: fc.constantFrom("wal.ter", "walter"),
      }),
      weight: 6,
    },
    {
      arbitrary: fc.record({ do: fc.constant("wait" as const), minutes: fc.constantFrom(1, 2, 5, 700) }),
      weight: 1,
    },
  ),
  { maxLength: 120, size: "max" },
);
type Put = Extract<typeof step extends fc.Arbitrary<infer Step> ? Step : never, { do: "put" }>;
type Sent = { readonly at: number; readonly put: Put };

/** Plays a story against the machine, and against what a reader of the rules would keep by hand. */
function play(story: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) {
  let state = EMPTY_INBOX;
  let now = 1_000_000;
  let serial = 0;
  const newest = new Map<string, { readonly hash: string; readonly until: number }>();
  /** Wrong guesses of each challenge while it lasts, and when it is forgotten. */
  const wrong = new Map<string, { count: number; until: number }>();
  let dead = 0;
  const sends: Sent[] = [];
  const countOf = (id: string) => {
    const known = wrong.get(id);
    return known && now < known.until ? known.count : 0;
  };
  const guess = (id: ChallengeId, hash: string) => {
    const before = countOf(id);
    const { next, value } = tryCode(state, { challengeId: id, hash }, now);
    const others = Object.entries(state.codes).filter(([key]) => key !== id);
    // Nothing but this challenge's own count ever changes by a guess.
    expect(Object.entries(next.codes).filter(([key]) => key !== id)).toEqual(others);
    expect({ ...next, codes: {} }).toEqual({ ...state, codes: {} });
    state = next;
    const code = newest.get(id);
    if (value.ok) {
      // Only the newest code of this very challenge, in its time, and while guesses are left.
      expect(code?.hash).toBe(hash);
      expect(now).toBeLessThan(code?.until ?? 0);
      expect(before).toBeLessThan(GUESS_LIMIT);
      return;
    }
    if (value.error.code === "expired") return;
    if (value.error.code === "out_of_guesses") dead++;
    const known = wrong.get(id);
    if (before < GUESS_LIMIT && known) known.count = before + 1;
    expect(value.error).toEqual(
      before + 1 < GUESS_LIMIT
        ? { code: "wrong_code", left: GUESS_LIMIT - before - 1 }
        : { code: "out_of_guesses" },
    );
    if (before >= GUESS_LIMIT && code)
      expect(holdsCode(state, { challengeId: id, hash: code.hash }, now)).toBe(false);
  };
  for (const one of story) {
    if (one.do === "wait") now += one.minutes * MINUTE;
    if (one.do === "put") {
      const hash = `hash ${++serial}`;
      const { id: challengeId, sender: by, identifierId } = one;
      const ends = { expiresAt: now + LIFETIME, until: now + CHALLENGE };
      const put = putCode(state, { challengeId, hash, identifierId, sender: by, ...ends }, now);
      if (!put.value.ok) expect(put.next).toBe(state);
      state = put.next;
      if (put.value.ok) {
        expect(countOf(challengeId)).toBeLessThan(GUESS_LIMIT);
        newest.set(challengeId, { hash, until: now + LIFETIME });
        wrong.set(challengeId, { count: countOf(challengeId), until: now + CHALLENGE });
        sends.push({ at: now, put: one });
      } else if (put.value.error.code === "too_many") {
        // A lane that says when it is free is free then.
        const again = putCode(
          state,
          { challengeId, hash, identifierId, sender: by, ...ends },
          put.value.error.retryAt,
        );
        expect(again.value.ok || again.value.error.code === "out_of_guesses").toBe(true);
      } else expect(countOf(challengeId)).toBe(GUESS_LIMIT);
    }
    if (one.do === "guess") guess(one.id, one.right ? (newest.get(one.id)?.hash ?? "none") : "wrong");
    if (one.do === "wrong") for (let count = 0; count < one.times; count++) guess(one.id, "wrong");
  }
  return { dead, sends, state };
}

test("T63 T152 no story lets a code pass that is not the newest of its challenge, nor one whose challenge had five wrong guesses, whatever was sent again", () => {
  let dead = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (story) => {
      dead += play(story).dead;
    }),
    { numRuns: 2_000 },
  );
  expect(dead).toBeGreaterThan(1_000);
});

test("T71 T152 no story sends more than the lanes allow: of strangers over all clients, of one network half, of others for each client", () => {
  let open = 0;
  fc.assert(
    fc.property(letters, (story) => {
      const { sends } = play(story);
      const count = (from: Sent, window: number, isCounted: (put: Put) => boolean) =>
        sends.filter(({ at, put }) => from.at <= at && at < from.at + window && isCounted(put)).length;
      for (const first of sends) {
        const { brought, network } = first.put.sender.caller;
        const isLane = (put: Put) =>
          put.sender.caller.brought === brought &&
          (brought === "nothing" ||
            (put.sender.clientId === first.put.sender.clientId &&
              put.sender.unproven === first.put.sender.unproven));
        const isOwn = (put: Put) =>
          isLane(put) && (brought === "nothing" || put.identifierId === first.put.identifierId);
        const isOfNetwork = (put: Put) => put.sender.caller.network === network;
        for (const { window, limit } of brought === "nothing" ? OPEN_LETTERS : OWN_LETTERS) {
          const sum = count(first, window, isOwn);
          if (brought === "nothing" && sum === limit) open++;
          expect(sum).toBeLessThanOrEqual(limit);
          expect(count(first, window, isLane)).toBeLessThanOrEqual(limit * SPELLINGS);
          if (brought === "browser" || network === undefined) continue;
          expect(count(first, window, (put) => isOwn(put) && isOfNetwork(put))).toBeLessThanOrEqual(
            halfOf(limit),
          );
        }
        if (brought === "nothing") continue;
        // Enrolled or chosen: one sum of the day for a client and an address, and for its spellings.
        const isOfSum = (put: Put) =>
          put.sender.caller.brought === brought && put.sender.clientId === first.put.sender.clientId;
        const isSpelledSo = (put: Put) => isOfSum(put) && put.identifierId === first.put.identifierId;
        const ofDay = OWN_LETTERS.find(({ window }) => window === DAY)?.limit ?? 0;
        expect(count(first, DAY, isSpelledSo)).toBeLessThanOrEqual(ofDay);
        expect(count(first, DAY, isOfSum)).toBeLessThanOrEqual(ofDay * SPELLINGS);
        const isChosen = (put: Put) => isSpelledSo(put) && put.sender.unproven === true;
        expect(count(first, DAY, isChosen)).toBeLessThanOrEqual(CHOSEN_LETTERS.limit);
      }
    }),
    { numRuns: 200 },
  );
  expect(open).toBeGreaterThan(100);
});

test("what is remembered of codes survives JSON", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (story) => {
      const { state } = play(story);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }),
  );
});
