import { describe, expect, test } from "vitest";
import type { Caller } from "../../../../src/core/caller.ts";
import { type ChallengeId, MAIN } from "../../../../src/core/ids.ts";
import { countStart } from "../../../../src/core/inbox/counters.ts";
import {
  beginSignUp,
  noteDevice,
  openEnrolment,
  signUpOf,
  takeEnrolment,
} from "../../../../src/core/inbox/enrolment.ts";
import { SPENT_LIMIT } from "../../../../src/core/inbox/limits.ts";
import {
  findPrompt,
  type Listed,
  list,
  listCounted,
  livePrompts,
  settlePrompt,
  sweep,
  withdraw,
} from "../../../../src/core/inbox/prompts.ts";
import { isFull, isSpentElsewhere, spend, unspend } from "../../../../src/core/inbox/spent.ts";
import { EMPTY_INBOX, type InboxState, type SignUp } from "../../../../src/core/inbox/state.ts";
import { BIRTH, CLIENTS } from "../../../property/arbitraries.ts";
import { nthId, nthRequest } from "../../../property/inbox-stories.ts";

const SIGN_UP: SignUp = { realm: MAIN, clientId: CLIENTS[0], identifiers: [], at: BIRTH };
const BY_ID = { kind: "sign_up" } as const;
const withKey = (key: string) => ({ kind: "proof", key }) as const;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const LONG = 60 * MINUTE;

/** Lists the nth challenge, of a client, at this instant. */
function start(
  state: InboxState,
  nth: number,
  client: number,
  now: number,
  caller?: Caller,
): [InboxState, Listed] {
  const { next, value } = list(state, nthRequest(nth, client, LONG, now, caller), now);
  return [next, value];
}

const STRANGER: Caller = { brought: "nothing", network: "stranger" };
const HOME: Caller = { brought: "nothing", network: "home" };
const SECRET: Caller = { brought: "secret" };

function answer(
  state: InboxState,
  id: ChallengeId,
  decision: "approve" | "deny",
  now: number,
  digest = `d-${id}`,
) {
  return settlePrompt(state, { challengeId: id, decision, digest }, now);
}

/** Three prompts of one asker, each denied, ten seconds apart. */
function deniedThrice(caller: Caller): { state: InboxState; now: number } {
  let state = EMPTY_INBOX;
  let now = BIRTH;
  for (let nth = 0; nth < 3; nth++) {
    now += 30 * SECOND;
    [state] = start(state, nth, 0, now, caller);
    state = answer(state, nthId(nth), "deny", now).next;
  }
  return { state, now };
}

describe("T01 five prompts a minute", () => {
  test("T01 of six starts within a minute by three clients five are listed; the sixth is kept back and counted", () => {
    let state = EMPTY_INBOX;
    const outcomes: Listed[] = [];
    for (let nth = 0; nth < 6; nth++) {
      const [next, listed] = start(state, nth, nth, BIRTH + nth * 10 * SECOND);
      state = next;
      outcomes.push(listed);
    }
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([...Array(5).fill("listed"), "suppressed"]);
    expect(outcomes[5]).toEqual({
      outcome: "suppressed",
      reason: "too_many",
      retryAt: BIRTH + MINUTE,
      signingSecond: BIRTH / SECOND + 50,
    });
    expect(findPrompt(state, nthId(5))).toBeUndefined();
    expect(state.blocked).toEqual({ count: 1, last: BIRTH + 50 * SECOND });
    expect(livePrompts(state, BIRTH + 50 * SECOND)).toHaveLength(3);
  });

  test.each([
    [59_999, "suppressed"],
    [60_000, "listed"],
  ])("T01 five at once, and the next %i ms later is %s", (after, outcome) => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < 5; nth++) [state] = start(state, nth, nth, BIRTH);
    expect(start(state, 5, 0, BIRTH + after)[1].outcome).toBe(outcome);
  });

  test("T01 what was kept back takes no place in the next minute", () => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < 50; nth++) [state] = start(state, nth, nth, BIRTH);
    let listed = 0;
    for (let nth = 50; nth < 60; nth++) {
      const [next, { outcome }] = start(state, nth, nth, BIRTH + MINUTE);
      state = next;
      if (outcome === "listed") listed++;
    }
    expect(listed).toBe(5);
    expect(state.blocked.count).toBe(50);
  });
});

describe("T155 the places of a minute", () => {
  test("T155 strangers take four, two of them from one network; the last is for whoever brings something", () => {
    let state = EMPTY_INBOX;
    const listed = (nth: number, client: number, caller: Caller) => {
      const [next, value] = start(state, nth, client, BIRTH + nth, caller);
      state = next;
      return value.reason ?? value.outcome;
    };
    expect([0, 1, 2].map((nth) => listed(nth, nth, STRANGER))).toEqual(["listed", "listed", "too_many"]);
    expect([3, 4, 5].map((nth) => listed(nth, nth, HOME))).toEqual(["listed", "listed", "too_many"]);
    expect(listed(6, 0, { brought: "nothing", network: "third" })).toBe("too_many");
    expect(listed(7, 1, SECRET)).toBe("listed");
    expect(listed(8, 2, SECRET)).toBe("too_many");
  });

  test("T155 without networks strangers share four; a client of its own has four, and the fifth is another's", () => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < 4; nth++) [state] = start(state, nth, nth, BIRTH, { brought: "nothing" });
    expect(start(state, 9, 0, BIRTH, { brought: "nothing" })[1].outcome).toBe("suppressed");
    state = EMPTY_INBOX;
    for (let nth = 0; nth < 4; nth++) [state] = start(state, nth, 0, BIRTH, SECRET);
    expect(start(state, 9, 0, BIRTH, SECRET)[1]).toMatchObject({
      reason: "too_many",
      retryAt: BIRTH + MINUTE,
    });
    expect(start(state, 9, 1, BIRTH, STRANGER)[1].outcome).toBe("suppressed");
    expect(start(state, 9, 1, BIRTH, SECRET)[1].outcome).toBe("listed");
  });

  test("T155 strangers of two networks at a client keep no prompt of its own from the user, and take three", () => {
    let state = EMPTY_INBOX;
    const listed = (nth: number, caller: Caller, client = 0) => {
      const [next, value] = start(state, nth, client, BIRTH + nth, caller);
      state = next;
      return value;
    };
    expect(listed(0, STRANGER).outcome).toBe("listed");
    expect(listed(1, STRANGER).outcome).toBe("listed");
    expect(listed(2, HOME).outcome).toBe("listed");
    expect(listed(3, HOME)).toMatchObject({ reason: "too_many", retryAt: BIRTH + MINUTE });
    expect(listed(4, SECRET)).toMatchObject({ outcome: "listed", superseded: nthId(2) });
    expect(listed(5, SECRET).outcome).toBe("listed");
    expect(listed(6, SECRET, 1)).toMatchObject({ reason: "too_many", retryAt: BIRTH + MINUTE });
  });

  test("T155 what a client's own askers take is not counted as its strangers', and the other way about", () => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < 3; nth++) {
      [state] = start(state, nth, 0, BIRTH, SECRET);
      state = withdraw(state, nthId(nth));
    }
    [state] = start(state, 3, 0, BIRTH, STRANGER);
    expect(livePrompts(state, BIRTH).map(({ challengeId }) => challengeId)).toEqual([nthId(3)]);
    expect(start(state, 4, 0, BIRTH, SECRET)[1]).toMatchObject({ superseded: nthId(3) });
    expect(start(state, 4, 0, BIRTH, HOME)[1].reason).toBe("too_many");
  });

  test("T155 a network's share of strangers' prompts is not used up by those who bring something from there", () => {
    let state = EMPTY_INBOX;
    const token: Caller = { brought: "secret", network: "home" };
    for (let nth = 0; nth < 2; nth++) [state] = start(state, nth, 0, BIRTH, token);
    for (let nth = 2; nth < 4; nth++) {
      const [next, listed] = start(state, nth, nth - 1, BIRTH, HOME);
      expect(listed.outcome).toBe("listed");
      state = next;
    }
  });

  test("T155 a stranger's start ends no prompt of a caller who brought something, and is kept back itself", () => {
    const [asked] = start(EMPTY_INBOX, 0, 0, BIRTH, SECRET);
    const [after, value] = start(asked, 1, 0, BIRTH + 1, STRANGER);
    expect(value).toMatchObject({ outcome: "suppressed", reason: "yields", retryAt: BIRTH + LONG });
    expect(livePrompts(after, BIRTH + 1).map(({ challengeId }) => challengeId)).toEqual([nthId(0)]);
    expect(start(asked, 1, 0, BIRTH + 1, SECRET)[1]).toMatchObject({ superseded: nthId(0) });
    const [open] = start(EMPTY_INBOX, 0, 0, BIRTH, STRANGER);
    expect(start(open, 1, 0, BIRTH + 1, HOME)[1]).toMatchObject({ superseded: nthId(0) });
    expect(start(open, 1, 0, BIRTH + 1, SECRET)[1]).toMatchObject({ superseded: nthId(0) });
  });

  test("T155 prompts of a version that did not look who asked count as strangers'", () => {
    const [asked] = start(EMPTY_INBOX, 0, 0, BIRTH, SECRET);
    const old: InboxState = { ...asked, prompts: asked.prompts.map(({ caller: _, ...prompt }) => prompt) };
    expect(start(old, 1, 0, BIRTH + 1, STRANGER)[1]).toMatchObject({
      outcome: "listed",
      superseded: nthId(0),
    });
  });
});

describe("T02 three denials", () => {
  test("T02 silence who asked for ten minutes, and the devices are told how many were kept back", () => {
    let { state, now } = deniedThrice(STRANGER);
    expect(state.silences).toEqual([
      { clientId: expect.anything(), caller: STRANGER, until: now + 10 * MINUTE },
    ]);
    for (let nth = 3; nth < 6; nth++) {
      const [next, listed] = start(state, nth, 0, now + nth * 2 * MINUTE - MINUTE - 1, STRANGER);
      expect(listed).toMatchObject({ outcome: "suppressed", reason: "silenced", retryAt: now + 10 * MINUTE });
      state = next;
    }
    expect(state.blocked.count).toBe(3);
    expect(start(state, 6, 0, now + 10 * MINUTE - 1, STRANGER)[1].outcome).toBe("suppressed");
    const [spoken, listed] = start(state, 7, 0, now + 10 * MINUTE, STRANGER);
    expect(listed.outcome).toBe("listed");
    now += 10 * MINUTE;
    expect(answer(spoken, nthId(7), "approve", now).next.blocked).toEqual({ count: 0 });
  });

  test("T02 T156 silence nobody else: not another network, another client, nor the same client's backend", () => {
    const { state, now } = deniedThrice(STRANGER);
    const outcomes = (
      [
        [0, HOME],
        [0, { brought: "nothing" }],
        [0, SECRET],
        [1, STRANGER],
      ] as const
    ).map(([client, caller]) => start(state, 9, client, now + MINUTE, caller)[1].outcome);
    expect(outcomes).toEqual(Array(4).fill("listed"));
    const backend = deniedThrice(SECRET);
    expect(start(backend.state, 9, 0, backend.now, SECRET)[1]).toMatchObject({ reason: "silenced" });
    expect(start(backend.state, 9, 0, backend.now + MINUTE, HOME)[1].outcome).toBe("listed");
    // A stranger may sit in the network whose token-bearing calls were denied.
    const token = deniedThrice({ brought: "secret", network: "home" });
    expect(start(token.state, 9, 0, token.now + MINUTE, HOME)[1].outcome).toBe("listed");
    const home = deniedThrice(HOME);
    const same: Caller = { brought: "secret", network: "home" };
    expect(start(home.state, 9, 0, home.now + MINUTE, same)[1].outcome).toBe("listed");
  });

  test("T156 three denials of three askers silence none of them", () => {
    let state = EMPTY_INBOX;
    for (const [nth, caller] of [STRANGER, HOME, SECRET].entries()) {
      [state] = start(state, nth, 0, BIRTH + nth, caller);
      state = answer(state, nthId(nth), "deny", BIRTH + nth).next;
    }
    expect(state.silences).toBeUndefined();
    expect(state.refused).toHaveLength(3);
  });

  test.each([
    [10 * MINUTE - 1, true],
    [10 * MINUTE, false],
  ])("T02 the third denial %i ms after the first silences: %s", (span, isSilent) => {
    let state = EMPTY_INBOX;
    for (const [nth, now] of [BIRTH, BIRTH + MINUTE, BIRTH + span].entries()) {
      [state] = start(state, nth, 0, now);
      state = answer(state, nthId(nth), "deny", now).next;
    }
    expect(state.silences !== undefined).toBe(isSilent);
  });

  test("T02 one denial repeated is one denial, and supersession or withdrawal is none", () => {
    let state = EMPTY_INBOX;
    [state] = start(state, 0, 0, BIRTH);
    for (let time = 0; time < 5; time++) state = answer(state, nthId(0), "deny", BIRTH + time).next;
    for (let nth = 1; nth < 4; nth++) [state] = start(state, nth, 1, BIRTH + nth);
    state = withdraw(state, nthId(3));
    expect(state.refused?.map(({ at }) => at)).toEqual([BIRTH]);
    expect(state.silences).toBeUndefined();
  });

  test("T156 a silence of a version that told no askers apart holds for strangers, until it ends", () => {
    const old: InboxState = { ...EMPTY_INBOX, denials: [BIRTH - 1, BIRTH], silencedUntil: BIRTH + MINUTE };
    expect(start(old, 0, 0, BIRTH, HOME)[1]).toMatchObject({ reason: "silenced", retryAt: BIRTH + MINUTE });
    expect(start(old, 0, 0, BIRTH, SECRET)[1].outcome).toBe("listed");
    const [after, listed] = start(old, 0, 0, BIRTH + MINUTE, HOME);
    expect(listed.outcome).toBe("listed");
    expect(after.silencedUntil).toBeUndefined();
  });
});

describe("T05 one client, five hundred users", () => {
  test("T05 three hundred starts are allowed, and nobody gets more than one prompt", () => {
    let client = EMPTY_INBOX;
    let used = 0;
    const people: InboxState[] = Array.from({ length: 500 }, () => EMPTY_INBOX);
    for (const [nth, person] of people.entries()) {
      const now = BIRTH + nth * 100;
      const counted = countStart(client, used, 300, now);
      client = counted.next;
      used = counted.used;
      if (counted.allowed) [people[nth]] = start(person, nth, 0, now);
      else expect(counted.retryAt).toBe(BIRTH + MINUTE);
    }
    const prompts = people.map((person) => person.prompts.length);
    expect(prompts.filter((count) => count === 1).length).toBe(300);
    expect(Math.max(...prompts)).toBe(1);
  });
});

describe("T06 one live prompt of a user and client", () => {
  test("T06 the newest supersedes the one before it, which cannot be answered any more", () => {
    let state = EMPTY_INBOX;
    [state] = start(state, 0, 0, BIRTH);
    const [second, listed] = start(state, 1, 0, BIRTH + 1);
    expect(listed).toMatchObject({ outcome: "listed", superseded: nthId(0) });
    expect(livePrompts(second, BIRTH + 2).map(({ challengeId }) => challengeId)).toEqual([nthId(1)]);
    for (const decision of ["approve", "deny"] as const) {
      expect(answer(second, nthId(0), decision, BIRTH + 2)).toEqual({
        next: second,
        value: { ok: false, error: { code: "superseded" } },
      });
    }
    expect(answer(second, nthId(1), "approve", BIRTH + 2).value.ok).toBe(true);
  });

  test("T06 another client's prompt stays; the newest is shown first", () => {
    let state = EMPTY_INBOX;
    [state] = start(state, 0, 0, BIRTH);
    [state] = start(state, 1, 1, BIRTH);
    expect(livePrompts(state, BIRTH).map(({ challengeId }) => challengeId)).toEqual([nthId(1), nthId(0)]);
  });

  test("T06 a start that is kept back supersedes nothing", () => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < 5; nth++) [state] = start(state, nth, nth % 3, BIRTH);
    const [after, listed] = start(state, 5, 0, BIRTH + 1);
    expect(listed.outcome).toBe("suppressed");
    expect(livePrompts(after, BIRTH + 1)).toEqual(livePrompts(state, BIRTH + 1));
  });

  test("T06 a decided or ended prompt is superseded by nobody", () => {
    let state = EMPTY_INBOX;
    [state] = start(state, 0, 0, BIRTH);
    state = answer(state, nthId(0), "approve", BIRTH).next;
    const [, listed] = start(state, 1, 0, BIRTH + 1);
    expect(listed).not.toHaveProperty("superseded");
    const [, afterEnd] = start(start(EMPTY_INBOX, 0, 0, BIRTH)[0], 1, 0, BIRTH + LONG);
    expect(afterEnd).not.toHaveProperty("superseded");
  });

  test("asking again for a listed challenge changes nothing: a lost answer costs no place and supersedes nobody", () => {
    const [state, first] = start(EMPTY_INBOX, 0, 0, BIRTH);
    const [same, again] = start(state, 0, 0, BIRTH + 1);
    expect(same).toBe(state);
    expect(again).toEqual(first);
  });
});

describe("T07 a denial", () => {
  test("T07 takes the prompt away and sends nothing, however long one waits", () => {
    const [listed] = start(EMPTY_INBOX, 0, 0, BIRTH);
    const { next, value } = answer(listed, nthId(0), "deny", BIRTH + 1);
    expect(value.ok).toBe(true);
    for (const later of [0, MINUTE, 10 * MINUTE, LONG, 24 * LONG]) {
      const state = sweep(next, BIRTH + 1 + later);
      expect(livePrompts(state, BIRTH + 1 + later)).toEqual([]);
      expect(state.prompts.every(({ challengeId }) => challengeId === nthId(0))).toBe(true);
    }
  });
});

describe("T08 an approval", () => {
  test("T08 is no consent for the next start: it is listed anew, with another second to sign", () => {
    const [listed, first] = start(EMPTY_INBOX, 0, 0, BIRTH);
    const approved = answer(listed, nthId(0), "approve", BIRTH, "signed-once").next;
    const [again, second] = start(approved, 1, 0, BIRTH);
    expect(second.outcome).toBe("listed");
    expect(second.signingSecond).toBe(first.signingSecond + 1);
    expect(livePrompts(again, BIRTH).map(({ challengeId }) => challengeId)).toEqual([nthId(1)]);
    expect(answer(again, nthId(1), "approve", BIRTH + 1, "signed-once").value).toEqual({
      ok: false,
      error: { code: "replayed" },
    });
  });
});

describe("answers", () => {
  test("to what is unknown, withdrawn or over are refused and change nothing", () => {
    const [listed] = start(EMPTY_INBOX, 0, 0, BIRTH);
    const withdrawn = withdraw(listed, nthId(0));
    const tries: readonly [InboxState, ChallengeId, number, string][] = [
      [listed, nthId(9), BIRTH, "unknown_challenge"],
      [withdrawn, nthId(0), BIRTH, "cancelled"],
      [listed, nthId(0), BIRTH + LONG, "expired"],
    ];
    for (const [state, id, now, code] of tries) {
      expect(answer(state, id, "deny", now)).toEqual({ next: state, value: { ok: false, error: { code } } });
    }
    expect(answer(listed, nthId(0), "approve", BIRTH + LONG - 1).value.ok).toBe(true);
  });

  test("to what is decided pass unchanged: the challenge says who won", () => {
    const [listed] = start(EMPTY_INBOX, 0, 0, BIRTH);
    const { next } = answer(listed, nthId(0), "approve", BIRTH);
    const again = answer(next, nthId(0), "deny", BIRTH + 1, "another");
    expect(again.next).toBe(next);
    expect(again.value.ok).toBe(true);
  });

  test("find the prompt by challenge id or respond number", () => {
    const [listed, { signingSecond }] = start(EMPTY_INBOX, 4, 0, BIRTH);
    const settle = (number: number) => {
      const kinds = [{ purpose: "sign_in", context: {} }];
      const named = {
        number,
        app: { clientId: CLIENTS[0] },
        second: `${signingSecond}`,
        unsaid: [],
        kinds,
      };
      return settlePrompt(listed, { named, decision: "approve", digest: "d" }, BIRTH).value;
    };
    expect(settle(5)).toMatchObject({ ok: true, value: { challengeId: nthId(4) } });
    expect(settle(4)).toEqual({ ok: false, error: { code: "unknown_challenge" } });
    expect(findPrompt(listed, nthId(4))?.respondNumber).toBe(5);
    expect(findPrompt(listed, nthId(5))).toBeUndefined();
  });

  test("an ended prompt is remembered for a minute, to say why, and then forgotten", () => {
    const [listed] = start(EMPTY_INBOX, 0, 0, BIRTH);
    expect(sweep(listed, BIRTH + LONG + MINUTE - 1).prompts).toHaveLength(1);
    expect(sweep(listed, BIRTH + LONG + MINUTE).prompts).toHaveLength(0);
  });

  test("withdrawing what is unknown or decided changes nothing", () => {
    const [listed] = start(EMPTY_INBOX, 0, 0, BIRTH);
    const decided = answer(listed, nthId(0), "approve", BIRTH).next;
    expect(withdraw(listed, nthId(9))).toBe(listed);
    expect(withdraw(decided, nthId(0))).toBe(decided);
  });
});

describe("T24 signing inputs", () => {
  test("T24 are remembered for twenty minutes, for the one use they had", () => {
    const state = spend(EMPTY_INBOX, "digest", "enrol:1", BIRTH);
    const end = BIRTH + 20 * MINUTE;
    expect(isSpentElsewhere(state, "digest", "enrol:1", BIRTH)).toBe(false);
    expect(isSpentElsewhere(state, "digest", "enrol:2", end - 1)).toBe(true);
    expect(isSpentElsewhere(state, "digest", "enrol:2", end)).toBe(false);
    expect(isSpentElsewhere(state, "other", "enrol:2", BIRTH)).toBe(false);
    expect(unspend(state, "digest").spent).toEqual({});
    expect(sweep(state, end).spent).toEqual({});
  });

  test("T24 named like a member of every object are remembered like any other", () => {
    for (const digest of ["__proto__", "constructor", "toString"]) {
      expect(isSpentElsewhere(EMPTY_INBOX, digest, "a", BIRTH)).toBe(false);
      const state: InboxState = JSON.parse(JSON.stringify(spend(EMPTY_INBOX, digest, "a", BIRTH)));
      expect(isSpentElsewhere(state, digest, "b", BIRTH + 1)).toBe(true);
    }
  });

  test("fill the memory at four hundred, and age out of it", () => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < SPENT_LIMIT - 1; nth++) state = spend(state, `d${nth}`, "use", BIRTH);
    expect(isFull(state, BIRTH)).toBe(false);
    state = spend(state, "last", "use", BIRTH + 1);
    expect(isFull(state, BIRTH + 1)).toBe(true);
    expect(isFull(state, BIRTH + 20 * MINUTE)).toBe(false);
  });
});

describe("the first device", () => {
  test.each([
    [10 * MINUTE - 1, true],
    [10 * MINUTE, false],
  ])("may be enrolled %i ms after the sign-up: %s", (after, mayEnrol) => {
    const begun = beginSignUp(EMPTY_INBOX, SIGN_UP, BIRTH);
    expect(signUpOf(begun, BIRTH + after) !== undefined).toBe(mayEnrol);
    expect(takeEnrolment(begun, BY_ID, BIRTH + after, "phone").taken).toBe(mayEnrol);
    const opened = openEnrolment(EMPTY_INBOX, { key: "key" }, BIRTH);
    expect(takeEnrolment(opened, withKey("key"), BIRTH + after, "phone").taken).toBe(mayEnrol);
  });

  test("is enrolled by whoever holds what the window was opened with, and by nobody once there was a device", () => {
    const opened = openEnrolment(EMPTY_INBOX, { key: "key" }, BIRTH);
    expect(takeEnrolment(opened, withKey("another"), BIRTH, "phone")).toMatchObject({
      taken: false,
      next: opened,
    });
    expect(takeEnrolment(opened, { kind: "proof" }, BIRTH, "phone").taken).toBe(false);
    expect(takeEnrolment(opened, BY_ID, BIRTH, "phone").taken).toBe(false);
    expect(takeEnrolment(EMPTY_INBOX, withKey("key"), BIRTH, "phone").taken).toBe(false);
    const had = noteDevice(opened);
    expect(takeEnrolment(had, withKey("key"), BIRTH, "phone").taken).toBe(false);
    expect(openEnrolment(had, { key: "key" }, BIRTH)).toBe(had);
  });

  test("S3 a call that only looks right is taken where it is allowed, and one that looks wrong ends that", () => {
    const opened = openEnrolment(EMPTY_INBOX, { key: "key", ambient: "office" }, BIRTH);
    const looks = (ambient: string) => ({ kind: "proof", ambient }) as const;
    expect(takeEnrolment(opened, looks("office"), BIRTH, "phone").taken).toBe(true);
    const wrong = takeEnrolment(opened, looks("elsewhere"), BIRTH, "stranger");
    expect(wrong.taken).toBe(false);
    expect(takeEnrolment(wrong.next, looks("office"), BIRTH, "phone").taken).toBe(false);
    expect(takeEnrolment(wrong.next, withKey("key"), BIRTH, "phone").taken).toBe(true);
    const strict = openEnrolment(EMPTY_INBOX, { key: "key" }, BIRTH);
    expect(takeEnrolment(strict, looks("office"), BIRTH, "phone").taken).toBe(false);
  });
});

test("a window that was taken is given to the same attempt again, whose answer was lost, and to no other", () => {
  const opened = openEnrolment(EMPTY_INBOX, { key: "key" }, BIRTH);
  const { next } = takeEnrolment(opened, withKey("key"), BIRTH, "first");
  expect(takeEnrolment(next, withKey("key"), BIRTH, "first")).toMatchObject({ taken: true, next });
  expect(takeEnrolment(next, withKey("key"), BIRTH, "second").taken).toBe(false);
  expect(takeEnrolment(noteDevice(next), withKey("key"), BIRTH, "first").taken).toBe(false);
});

describe("S6 a device of another client", () => {
  const settleThrough = (state: InboxState, clientId: string) => {
    const through = { clientId };
    const answered = { challengeId: nthId(0), decision: "approve", digest: "d", through } as const;
    return settlePrompt(state, answered as Parameters<typeof settlePrompt>[1], BIRTH + 1);
  };

  test("S6 closes no prompt and spends no signature; one that the prompt admits does", () => {
    const request = nthRequest(0, 0, LONG, BIRTH);
    const { next: state } = list(EMPTY_INBOX, request, BIRTH);
    const refused = settleThrough(state, "elsewhere");
    expect(refused.value).toEqual({ ok: false, error: { code: "device_of_another_client" } });
    expect(refused.next).toBe(state);
    expect(settleThrough(state, request.clientId).value.ok).toBe(true);
    for (const approvers of [["elsewhere"], "realm"]) {
      const open = list(EMPTY_INBOX, { ...request, approvers } as typeof request, BIRTH).next;
      expect(settleThrough(open, "elsewhere").value.ok).toBe(true);
    }
  });
});

describe("T154 starts about the user of an inbox", () => {
  const at = (state: InboxState, nth: number, network?: string) =>
    listCounted(
      state,
      { clientId: CLIENTS[0], ...(network === undefined ? {} : { network }) },
      nthRequest(nth, 0, LONG, BIRTH, SECRET),
      BIRTH,
    );

  test("T154 ten are counted, five of a network; one too many changes nothing and says when to come again", () => {
    let state = EMPTY_INBOX;
    for (let nth = 0; nth < 10; nth++) state = at(state, nth, nth < 5 ? "café" : "home").next;
    for (const network of ["café", "home", "elsewhere", undefined]) {
      const { next, value } = at(state, 10, network);
      expect(next).toBe(state);
      expect(value).toEqual({
        ok: false,
        error: { code: "too_many", scope: "person", retryAt: BIRTH + MINUTE },
      });
    }
    expect(state.counters).toEqual({});
  });

  test("one that is listed is not counted again, and one of another client is another count", () => {
    let state = EMPTY_INBOX;
    for (let time = 0; time < 12; time++) state = at(state, 0).next;
    expect(Object.values(state.starts ?? {})).toEqual([{ count: 1, until: BIRTH + MINUTE }]);
    const elsewhere = listCounted(state, { clientId: CLIENTS[1] }, undefined, BIRTH + MINUTE);
    expect(elsewhere.value).toEqual({ ok: true, value: undefined });
    expect(Object.values(elsewhere.next.starts ?? {})).toHaveLength(1);
    expect(sweep(state, BIRTH + MINUTE).starts).toEqual({});
  });
});
