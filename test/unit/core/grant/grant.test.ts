import { describe, expect, test } from "vitest";
import { end, type Presented, rotate } from "../../../../src/core/grant/rotate.ts";
import { type Grant, isAlive } from "../../../../src/core/grant/state.ts";
import { BIRTH, CHALLENGE_ID, CLIENTS, USERS } from "../../../property/arbitraries.ts";

const LIFETIME = 86_400_000;
const BORN: Grant = {
  id: CHALLENGE_ID,
  clientId: CLIENTS[0],
  userId: USERS[0],
  scope: "openid",
  subject: {},
  amr: ["pop"],
  authTime: BIRTH / 1_000,
  salt: "salt",
  lifetime: LIFETIME,
  createdAt: BIRTH,
  generation: 1,
  keyVersion: 1,
  rotatedAt: BIRTH,
  expiresAt: BIRTH + LIFETIME,
};

/** R1, R2 … as the owner presents them. */
const R = (generation: number, change: Partial<Presented> = {}): Presented => ({
  generation,
  clientId: CLIENTS[0],
  keyVersion: 1,
  ...change,
});

/** R1 was exchanged for R2 at this instant. */
const ROTATED_AT = BIRTH + 3_600_000;
const second = rotate(BORN, R(1), ROTATED_AT).next;
const REUSED = { ok: false, error: { code: "refresh_reused" } };

describe("T84 reuse", () => {
  test.each([30_000, 30_001, 3_600_000])(
    "T84 R1 presented %i ms after R2 was given out kills the grant, R2 included",
    (after) => {
      const now = ROTATED_AT + after;
      const { next, result } = rotate(second, R(1), now);
      expect(result).toEqual(REUSED);
      expect(next).toEqual({ ...second, ended: { at: now, reason: "refresh_reused" } });
      expect(isAlive(next, now)).toBe(false);
      for (const generation of [1, 2, 3]) {
        expect(rotate(next, R(generation), now + 1)).toEqual({
          next,
          result: { ok: false, error: { code: "grant_ended" } },
        });
      }
    },
  );

  test("T84 R1 after R3 was given out is too old even inside the grace", () => {
    const third = rotate(second, R(2), ROTATED_AT + 1).next;
    expect(rotate(third, R(1), ROTATED_AT + 2).result).toEqual(REUSED);
  });

  test.each([
    ["another client", R(2, { clientId: CLIENTS[1] })],
    ["a key, the family having none", R(2, { jkt: "thumbprint-1" })],
    ["another client, with R1 inside the grace", R(1, { clientId: CLIENTS[1] })],
    ["a generation not given out yet", R(3)],
    ["a generation before the first", R(0)],
  ])("T84 %s kills the grant", (_name, presented) => {
    const { next, result } = rotate(second, presented, ROTATED_AT + 1);
    expect(result).toEqual(REUSED);
    expect(next.ended).toEqual({ at: ROTATED_AT + 1, reason: "refresh_reused" });
  });

  test("T84 a grant bound to a key dies by another key and by none", () => {
    const bound: Grant = { ...BORN, jkt: "thumbprint-1" };
    expect(rotate(bound, R(1, { jkt: "thumbprint-1" }), BIRTH + 1).result.ok).toBe(true);
    expect(rotate(bound, R(1, { jkt: "thumbprint-2" }), BIRTH + 1).result).toEqual(REUSED);
    expect(rotate(bound, R(1), BIRTH + 1).result).toEqual(REUSED);
  });

  test("T84 a grant that never rotated has no previous token in its grace", () => {
    expect(rotate(BORN, R(0), BIRTH + 1).result).toEqual(REUSED);
  });
});

describe("T85 honest races", () => {
  test("T85 twenty callers with R1: all get the same R2, the grant rotates once and lives", () => {
    let grant = BORN;
    const answers = Array.from({ length: 20 }, (_, caller) => {
      const { next, result } = rotate(grant, R(1), ROTATED_AT + caller);
      grant = next;
      return result;
    });
    expect(answers.every((answer) => answer.ok)).toBe(true);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(grant).toEqual(second);
    expect(isAlive(grant, ROTATED_AT + 20)).toBe(true);
  });
});

describe("T226 C2 a rotation that waits to be acknowledged", () => {
  const waiting = (generation: number) => R(generation, { rotation: "acknowledged" });

  test.each([30_000, LIFETIME - 1])(
    "R1 %i ms after R2 was given out gets R2, and the grant lives on from then",
    (after) => {
      const now = ROTATED_AT + after;
      const next = { ...second, expiresAt: now + LIFETIME };
      expect(rotate(second, waiting(1), now)).toEqual({ next, result: { ok: true, value: next } });
    },
  );

  test("inside the grace nothing moves: calls at once write once", () => {
    expect(rotate(second, waiting(1), ROTATED_AT + 29_999).next).toBe(second);
  });

  test("R1 after R2 was used is too old, and ends the grant", () => {
    const third = rotate(second, waiting(2), ROTATED_AT + 1).next;
    expect(rotate(third, waiting(1), ROTATED_AT + 2).result).toEqual(REUSED);
    expect(rotate(third, waiting(2), ROTATED_AT + 90_000).result.ok).toBe(true);
  });

  test("what was never given out, another client's and another key's are no predecessor", () => {
    expect(rotate(BORN, waiting(0), BIRTH + 1).result).toEqual(REUSED);
    const late = ROTATED_AT + 60_000;
    expect(rotate(second, { ...waiting(1), clientId: "other" as never }, late).result).toEqual(REUSED);
    expect(rotate(second, { ...waiting(1), jkt: "x" }, late).result).toEqual(REUSED);
  });
});

describe("T86 a repeat inside the grace", () => {
  test.each([0, 1, 29_999])(
    "T86 R1 again after %i ms gets R2, never R1 nor R3, and moves nothing",
    (after) => {
      expect(rotate(second, R(1), ROTATED_AT + after)).toEqual({
        next: second,
        result: { ok: true, value: second },
      });
      expect(second.generation).toBe(2);
    },
  );

  test("T86 the grace is counted from the rotation, not from the last repeat", () => {
    const repeated = rotate(second, R(1), ROTATED_AT + 29_999).next;
    expect(rotate(repeated, R(1), ROTATED_AT + 30_000).result).toEqual(REUSED);
  });
});

describe("expiry", () => {
  test("each rotation starts a full lifetime; the millisecond of the end is too late", () => {
    expect(second).toMatchObject({ generation: 2, rotatedAt: ROTATED_AT, expiresAt: ROTATED_AT + LIFETIME });
    expect(rotate(second, R(2), second.expiresAt - 1).result.ok).toBe(true);
    for (const late of [0, 1]) {
      expect(rotate(second, R(2), second.expiresAt + late)).toEqual({
        next: second,
        result: { ok: false, error: { code: "grant_ended" } },
      });
    }
  });

  test("the next token is derived with the newest handle key", () => {
    expect(rotate(BORN, R(1, { keyVersion: 2 }), ROTATED_AT).next.keyVersion).toBe(2);
    expect(rotate(second, R(1, { keyVersion: 2 }), ROTATED_AT + 1).next.keyVersion).toBe(1);
  });

  test("ending twice keeps the first reason and instant", () => {
    const ended = end(second, "revoked", ROTATED_AT + 5);
    expect(ended.ended).toEqual({ at: ROTATED_AT + 5, reason: "revoked" });
    expect(end(ended, "device_removed", ROTATED_AT + 9)).toBe(ended);
  });
});
