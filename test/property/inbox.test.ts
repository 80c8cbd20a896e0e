import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChallengeId } from "../../src/core/ids.ts";
import { list, livePrompts, sweep } from "../../src/core/inbox/prompts.ts";
import { EMPTY_INBOX, type InboxState, type Prompt, type PromptStatus } from "../../src/core/inbox/state.ts";
import { type Instant, toSeconds } from "../../src/core/time.ts";
import { BIRTH } from "./arbitraries.ts";
import { type InboxTurn, inboxStories, nthRequest, play, turn } from "./inbox-stories.ts";
import { expectSame } from "./same.ts";

const MINUTE = 60_000;

/** Checks every story; `reached` counts the stories in which the matter of the check came up, and `least` of all must. */
function always(check: (turns: readonly InboxTurn[]) => boolean, least: number, numRuns = 2_000) {
  let reached = 0;
  fc.assert(
    fc.property(inboxStories, (story) => {
      if (check(play(story))) reached++;
    }),
    { numRuns },
  );
  expect(reached).toBeGreaterThan(least);
}

/** A turn that put a new prompt before the user. */
const isNew = ({ before, id, listed }: InboxTurn): boolean =>
  listed?.outcome === "listed" && !before.prompts.some((prompt) => prompt.challengeId === id);

const statusIn = (state: InboxState, id: ChallengeId | undefined): PromptStatus["name"] | undefined =>
  state.prompts.find((prompt) => prompt.challengeId === id)?.status.name;

/** A turn in which an answer closed a living prompt. */
const closes = ({ before, after, id, settled }: InboxTurn): boolean =>
  settled?.ok === true && statusIn(before, id) === "live" && statusIn(after, id) === "decided";

const promptIn = (state: InboxState, id: ChallengeId | undefined) =>
  state.prompts.find(({ challengeId }) => challengeId === id);

/** Who asked: a client, and strangers at it by their network, or its own backend. */
const askerOf = ({ clientId, caller }: Pick<Prompt, "clientId" | "caller">): string =>
  `${clientId} ${caller?.brought === "secret"} ${caller?.network ?? ""}`;

type Silent = { readonly asker: string; readonly until: Instant; readonly index: number };

/** When askers are silenced: reckoned from the denials alone, each counted towards one silence. */
function silences(turns: readonly InboxTurn[]): readonly Silent[] {
  const denials = new Map<string, Instant[]>();
  const found: Silent[] = [];
  turns.forEach((done, index) => {
    const denied = promptIn(done.before, done.id);
    if (done.command.name !== "settle" || done.command.decision !== "deny" || !closes(done) || !denied)
      return;
    const asker = askerOf(denied);
    const known = [...(denials.get(asker) ?? []).filter((at) => done.now - at < 10 * MINUTE), done.now];
    if (known.length >= 3) found.push({ asker, until: done.now + 10 * MINUTE, index });
    denials.set(asker, known.length >= 3 ? [] : known);
  });
  return found;
}

describe("prompts of one user", () => {
  test("T01 never more than five are listed in any minute, whoever asks", () =>
    always((turns) => {
      const times = turns.filter(isNew).map(({ now }) => now);
      for (const end of times) {
        expect(times.filter((at) => at <= end && end - at < MINUTE).length).toBeLessThanOrEqual(5);
      }
      return turns.some(({ listed }) => listed?.reason === "too_many");
    }, 100));

  test("T01 T155 strangers never take the last place of a minute, one network of them never a third, nor a fourth at one client, whose own askers never take all five", () =>
    always((turns) => {
      let atLimit = false;
      const listed = turns.filter(isNew).map((done) => ({ now: done.now, ...promptIn(done.after, done.id) }));
      for (const last of listed) {
        const minute = listed.filter((one) => one.now <= last.now && last.now - one.now < MINUTE);
        const before = minute.slice(0, minute.indexOf(last) + 1);
        const isStranger = (one: (typeof listed)[0]) => one.caller?.brought === "nothing";
        if (isStranger(last)) {
          const { network } = last.caller ?? {};
          expect(before.length).toBeLessThanOrEqual(4);
          const own = before.filter((one) => isStranger(one) && one.caller?.network === network);
          if (network !== undefined) expect(own.length).toBeLessThanOrEqual(2);
        }
        const alike = before.filter(
          (one) => one.clientId === last.clientId && isStranger(one) === isStranger(last),
        );
        expect(alike.length).toBeLessThanOrEqual(isStranger(last) ? 3 : 4);
        if (before.length === 5) atLimit = true;
      }
      return atLimit;
    }, 50));

  test("T02 after three denials of one asker in ten minutes nothing of that asker is listed until the silence ends, and others are not silenced", () =>
    always(
      (turns) => {
        const all = silences(turns);
        turns.forEach((done, index) => {
          const { asked } = done;
          if (!asked || !done.listed) return;
          const isSilent = all.some(
            (one) => one.index < index && done.now < one.until && one.asker === askerOf(asked),
          );
          if (isSilent) expect(isNew(done)).toBe(false);
          if (done.listed.outcome === "suppressed") expect(done.listed.reason === "silenced").toBe(isSilent);
        });
        return all.length > 0;
      },
      20,
      8_000,
    ));

  test("a prompt is kept back for these reasons and no other, what is kept back is counted, and it is told when it would be listed", () =>
    always((turns) => {
      let known = 0;
      for (const done of turns) {
        const { now, before, after, listed } = done;
        if (listed?.outcome !== "suppressed") continue;
        known++;
        expect(after.blocked).toEqual({ count: before.blocked.count + 1, last: now });
        expect(livePrompts(after, now)).toEqual(livePrompts(before, now));
        expect(listed.retryAt).toBeGreaterThan(now);
        const sent = turns.filter((other) => isNew(other) && other.now <= now && now - other.now < MINUTE);
        const { asked } = done;
        if (listed.reason === "too_many") expect(sent.length).toBeGreaterThanOrEqual(2);
        if (listed.reason === "yields") {
          const rival = livePrompts(before, now).find((prompt) => prompt.clientId === asked?.clientId);
          expect([rival?.caller?.brought, asked?.caller?.brought ?? "nothing"]).toEqual([
            "secret",
            "nothing",
          ]);
        }
        if (asked && listed.reason !== "yields") {
          const at = listed.retryAt ?? 0;
          const later = list(after, { ...asked, startedAt: at, expiresAt: at + MINUTE }, at).value;
          expect(later.outcome === "listed" || later.reason === "yields").toBe(
            listed.reason === "too_many" || later.reason !== "silenced",
          );
        }
      }
      return known > 0;
    }, 100));

  test("T06 never two live prompts of one client, and the newest lives", () =>
    always((turns) => {
      for (const done of turns) {
        const live = done.after.prompts.filter(
          (prompt) => prompt.status.name === "live" && done.now < prompt.expiresAt,
        );
        expect(new Set(live.map((prompt) => prompt.clientId)).size).toBe(live.length);
        const own = done.after.prompts.find((prompt) => prompt.challengeId === done.id);
        if (isNew(done) && own && done.now < own.expiresAt) expect(live).toContain(own);
      }
      return turns.some(({ listed }) => listed?.superseded !== undefined);
    }, 500));

  test("signing seconds strictly increase over listed prompts, and are never of the past", () =>
    always((turns) => {
      const listed = turns.filter(isNew);
      listed.forEach(({ now, listed: one }, index) => {
        expect(one?.signingSecond).toBeGreaterThanOrEqual(toSeconds(now));
        expect(one?.signingSecond).toBeGreaterThan(listed[index - 1]?.listed?.signingSecond ?? 0);
      });
      return listed.length > 1;
    }, 1_000));

  test("asking again for a challenge that is listed changes nothing and gets the same second", () =>
    always((turns) => {
      const again = turns.filter(
        ({ command, before, id }) => command.name === "listAgain" && statusIn(before, id) !== undefined,
      );
      for (const { before, after, id, listed } of again) {
        const known = before.prompts.find((prompt) => prompt.challengeId === id);
        expect(after).toBe(before);
        expect(listed).toEqual({ outcome: "listed", signingSecond: known?.signingSecond });
      }
      return again.length > 0;
    }, 100));

  test("T06 a superseded prompt is never settled, and no prompt comes back to life", () =>
    always((turns) => {
      let isSuperseded = false;
      for (const done of turns) {
        for (const { challengeId, status } of done.before.prompts) {
          const after = statusIn(done.after, challengeId);
          if (status.name !== "live" && after !== undefined) expect(after).toBe(status.name);
        }
        if (done.settled && statusIn(done.before, done.id) === "superseded") {
          isSuperseded = true;
          expect(done.settled).toMatchObject({
            ok: false,
            error: { code: expect.stringMatching(/^(superseded|replayed)$/) },
          });
          expect(done.after).toBe(done.before);
        }
      }
      return isSuperseded;
    }, 100));

  test("an answer after the prompt's end settles nothing", () =>
    always((turns) => {
      let isLate = false;
      for (const { before, after, id, settled, now } of turns) {
        const prompt = before.prompts.find((one) => one.challengeId === id);
        if (!settled || prompt?.status.name !== "live" || now < prompt.expiresAt) continue;
        isLate = true;
        expect(settled.ok).toBe(false);
        expect(after).toBe(before);
      }
      return isLate;
    }, 100));

  test("T24 a signing input is never accepted for two uses within its memory", () =>
    always((turns) => {
      const uses = new Map<string, { use: string; at: Instant }>();
      let isReplayed = false;
      for (const done of turns) {
        const { command, now, id } = done;
        const use = command.name === "spend" ? command.use : (id ?? "");
        if (command.name !== "spend" && command.name !== "settle") continue;
        const known = uses.get(command.digest);
        const isElsewhere = known !== undefined && known.use !== use && now - known.at < 20 * MINUTE;
        const isAccepted = command.name === "spend" ? done.spent === true : closes(done);
        if (isElsewhere) {
          isReplayed = true;
          expect(isAccepted).toBe(false);
        }
        if (isAccepted) uses.set(command.digest, { use, at: now });
      }
      return isReplayed;
    }, 100));

  test("T07 nothing is sent but by a start: a denial, an approval and time add no prompt", () =>
    always((turns) => {
      for (const done of turns) {
        const added = done.after.prompts.filter(
          ({ challengeId }) => statusIn(done.before, challengeId) === undefined,
        );
        expect(added.length).toBe(isNew(done) ? 1 : 0);
        const later = done.now + 30 * MINUTE;
        const known = new Set(livePrompts(done.after, done.now).map(({ challengeId }) => challengeId));
        expect(livePrompts(done.after, later).every(({ challengeId }) => known.has(challengeId))).toBe(true);
      }
      return turns.some((done) => done.command.name === "settle" && closes(done));
    }, 500));

  test("forgetting what is over changes no later answer", () =>
    fc.assert(
      fc.property(inboxStories, inboxStories, (first, second) => {
        const turns = play(first);
        const asked = first.filter(({ command }) => command.name === "list").length;
        const requests = Array.from({ length: asked }, (_, nth) => nthRequest(nth, nth, 600_000, BIRTH));
        let now = turns.at(-1)?.now ?? BIRTH;
        let kept = turns.at(-1)?.after ?? EMPTY_INBOX;
        let swept = sweep(kept, now);
        for (const { after, command } of second.filter((one) => one.command.name !== "listAgain")) {
          now += after;
          const one = turn(kept, command, [...requests], now);
          const other = turn(swept, command, requests, now);
          const isForgotten = statusIn(one.before, other.id) !== statusIn(other.before, other.id);
          expect(other.listed).toEqual(one.listed);
          if (!isForgotten) expect(other.settled).toEqual(one.settled);
          expect(other.spent).toEqual(one.spent);
          expect(livePrompts(other.after, now)).toEqual(livePrompts(one.after, now));
          kept = one.after;
          swept = sweep(other.after, now);
        }
      }),
      { numRuns: 500 },
    ));

  test("an inbox survives JSON", () =>
    always((turns) => {
      for (const { after } of turns) expectSame(JSON.parse(JSON.stringify(after)), after);
      return true;
    }, 1_000));
});
