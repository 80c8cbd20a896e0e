import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { end, type Presented, ROTATION_GRACE, type Rotation, rotate } from "../../src/core/grant/rotate.ts";
import { type Grant, isAlive } from "../../src/core/grant/state.ts";
import type { Instant } from "../../src/core/time.ts";
import { BIRTH, CHALLENGE_ID, CLIENTS, DEVICES, type Timed, timed, USERS } from "./arbitraries.ts";
import { expectSame } from "./same.ts";

/** What is presented: how many generations behind the newest, by whom; `stranger` is another client, `thief` another key. */
type Presentation = { readonly behind: number; readonly by: "owner" | "stranger" | "thief" };

const presentations: fc.Arbitrary<Presentation> = fc.record({
  behind: fc.oneof(
    { arbitrary: fc.constant(0), weight: 10 },
    { arbitrary: fc.constant(1), weight: 6 },
    { arbitrary: fc.constantFrom(-1, 2, 3), weight: 1 },
  ),
  by: fc.oneof(
    { arbitrary: fc.constant("owner" as const), weight: 20 },
    { arbitrary: fc.constantFrom("stranger" as const, "thief" as const), weight: 1 },
  ),
});
const stories = timed(presentations, 24);
const grants: fc.Arbitrary<Grant> = fc
  .record({ lifetime: fc.constantFrom(1_000, 60_000, 2_592_000_000, 2_592_000_000), bound: fc.boolean() })
  .map(({ lifetime, bound }) => ({
    id: CHALLENGE_ID,
    clientId: CLIENTS[0],
    userId: USERS[0],
    deviceId: DEVICES[0],
    scope: "openid",
    subject: {},
    amr: ["hwk"],
    authTime: BIRTH / 1_000,
    salt: "salt",
    ...(bound ? { jkt: "thumbprint-1" } : {}),
    lifetime,
    createdAt: BIRTH,
    generation: 1,
    keyVersion: 1,
    rotatedAt: BIRTH,
    expiresAt: BIRTH + lifetime,
  }));

/** A refresh token of the grant as it would be presented: an owner's own, or with a client or key that is not the grant's. */
function presentedBy(grant: Grant, { behind, by }: Presentation): Presented {
  const key = by === "thief" ? "thumbprint-2" : grant.jkt;
  return {
    generation: grant.generation - behind,
    clientId: by === "stranger" ? CLIENTS[1] : grant.clientId,
    keyVersion: 2,
    ...(key === undefined ? {} : { jkt: key }),
  };
}

type Turn = {
  readonly presentation: Presentation;
  readonly now: Instant;
  readonly before: Grant;
  readonly rotation: Rotation;
};

function play(grant: Grant, story: readonly Timed<Presentation>[]): readonly Turn[] {
  const turns: Turn[] = [];
  let before = grant;
  let now = grant.createdAt;
  for (const { after, command } of story) {
    now += after;
    const rotation = rotate(before, presentedBy(before, command), now);
    turns.push({ presentation: command, now, before, rotation });
    before = rotation.next;
  }
  return turns;
}

/** Checks every story, and that enough of them rotated at least twice. */
function always(check: (turns: readonly Turn[], grant: Grant) => void) {
  let rotated = 0;
  fc.assert(
    fc.property(grants, stories, (grant, story) => {
      const turns = play(grant, story);
      if ((turns.at(-1)?.rotation.next.generation ?? 0) > 2) rotated++;
      check(turns, grant);
    }),
    { numRuns: 2_000 },
  );
  expect(rotated).toBeGreaterThan(200);
}

const isHonest = ({ presentation }: Turn) => presentation.by === "owner";

describe("any interleaving of presentations", () => {
  test("the living tokens are the current one and, inside the grace, the one before it: never a third, never one not yet given out", () =>
    always((turns) => {
      for (const { now, rotation } of turns) {
        const grant = rotation.next;
        const living = Array.from({ length: grant.generation + 3 }, (_, index) => index - 1).filter(
          (generation) =>
            rotate(grant, { ...presentedBy(grant, { behind: 0, by: "owner" }), generation }, now).result.ok,
        );
        const isInGrace = grant.generation > 1 && now < grant.rotatedAt + 30_000;
        const expected = [...(isInGrace ? [grant.generation - 1] : []), grant.generation];
        expect(living).toEqual(grant.ended || now >= grant.expiresAt ? [] : expected);
      }
    }));

  test("the current token rotates the grant by one, for a full lifetime from now", () =>
    always((turns) => {
      for (const { before, now, rotation } of turns.filter(
        (turn) => isHonest(turn) && turn.presentation.behind === 0 && isAlive(turn.before, turn.now),
      )) {
        const next = {
          ...before,
          generation: before.generation + 1,
          keyVersion: 2,
          rotatedAt: now,
          expiresAt: now + before.lifetime,
        };
        expect(rotation).toEqual({ next, result: { ok: true, value: next } });
      }
    }));

  test("T85 T86 inside the grace the previous token gets the current one and never rotates", () =>
    always((turns) => {
      for (const turn of turns) {
        const { before, now, rotation, presentation } = turn;
        const isPrevious = isHonest(turn) && presentation.behind === 1 && before.generation > 1;
        if (!isPrevious || !isAlive(before, now) || now >= before.rotatedAt + ROTATION_GRACE) continue;
        expect(rotation).toEqual({ next: before, result: { ok: true, value: before } });
      }
    }));

  test("reuse kills: an older, unknown or foreign token ends the grant, and nothing brings it back", () =>
    always((turns) => {
      for (const turn of turns) {
        const { before, now, rotation, presentation } = turn;
        if (!isAlive(before, now)) continue;
        const { behind } = presentation;
        const isKnown =
          behind === 0 || (behind === 1 && before.generation > 1 && now < before.rotatedAt + 30_000);
        if (isHonest(turn) && isKnown) continue;
        expect(rotation.result).toEqual({ ok: false, error: { code: "refresh_reused" } });
        expect(rotation.next).toEqual({ ...before, ended: { at: now, reason: "refresh_reused" } });
      }
    }));

  test("an end is final: after an expiry or a revocation every presentation is refused and changes nothing", () =>
    always((turns) => {
      const dead = turns.findIndex(({ before, now }) => before.ended || now >= before.expiresAt);
      for (const { before, rotation } of dead < 0 ? [] : turns.slice(dead)) {
        expect(rotation).toEqual({ next: before, result: { ok: false, error: { code: "grant_ended" } } });
      }
    }));

  test("a revocation at any moment ends the grant, and a second one keeps the first reason", () =>
    fc.assert(
      fc.property(grants, stories, fc.nat({ max: 100_000 }), (grant, story, later) => {
        const last = play(grant, story).at(-1);
        if (last === undefined) throw new Error("no story");
        const alive = last.rotation.next;
        const ended = end(alive, "admin", last.now);
        expect(ended.ended).toBeDefined();
        expect(end(ended, "device_removed", last.now + later)).toBe(ended);
        const attempt = rotate(ended, presentedBy(ended, { behind: 0, by: "owner" }), last.now + later);
        expect(attempt).toEqual({ next: ended, result: { ok: false, error: { code: "grant_ended" } } });
      }),
      { numRuns: 500 },
    ));

  test("a grant survives JSON, and goes on the same", () =>
    always((turns) => {
      for (const { before, presentation, now, rotation } of turns) {
        const read: Grant = JSON.parse(JSON.stringify(before));
        expectSame(read, before);
        expectSame(rotate(read, presentedBy(read, presentation), now), rotation);
      }
    }));
});
