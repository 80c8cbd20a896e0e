import { afterEach, describe, expect, test, vi } from "vitest";
import {
  makeRecoveryCodes,
  RECOVERY_CODES,
  recoveryCodesLeft,
  useRecoveryCode,
} from "../../../../src/core/device/recovery-codes.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { newUserId, type UserId, userSubject } from "../../../../src/core/ids.ts";
import { RECOVERY_CODE_GUESSES } from "../../../../src/core/inbox/limits.ts";
import { no, ok } from "../../../../src/core/result.ts";
import type { User } from "../../../../src/core/user/user.ts";
import { admin, newDevice, newUser, powers } from "../../support/admin.ts";
import { everythingAtRest } from "../../support/at-rest.ts";

afterEach(() => void vi.useRealTimers());

const ip = "198.51.100.9";

/** Somebody with a device and ten codes. */
async function holder() {
  const userId = newUserId(await newUser());
  const { user } = (await powers.users.byId(userId, "*"))!;
  const { id: deviceId } = await newDevice(userId);
  const make = () => makeRecoveryCodes(powers, { user, deviceId, actor: `device:${deviceId}`, ip });
  const made = await make();
  if (!made.ok) throw new Error(made.error.code);
  return { user, deviceId, make, codes: made.value };
}

const use = (user: User, typed = "") => useRecoveryCode(powers, { user, typed, ip });
const left = (user: User) => recoveryCodesLeft(powers, user.id);
const WRONG = "0000-0000-0000-0000";
const wrong = (guess: number) => no({ code: "wrong_code", left: RECOVERY_CODE_GUESSES.limit - guess });
const typesOf = async (userId: UserId) =>
  (await powers.records.events({ userId, size: 50 })).map(({ type, actor, ip: from }) => [type, actor, from]);

describe("recovery codes", () => {
  test("ten are made, all different, and each is good once", async () => {
    const { user, codes } = await holder();
    expect(new Set(codes).size).toBe(RECOVERY_CODES);
    expect(await left(user)).toBe(RECOVERY_CODES);
    for (const [at, code] of codes.entries()) {
      expect(await use(user, code.toUpperCase().replaceAll("-", " "))).toEqual(ok(undefined));
      expect(await left(user)).toBe(RECOVERY_CODES - 1 - at);
    }
    expect(await use(user, codes[0])).toEqual(wrong(1));
  });

  test("T67 the trail says when they were made and used; neither it nor any row or object has a code", async () => {
    const { user, deviceId, codes } = await holder();
    await use(user, codes[0]);
    expect(await typesOf(user.id)).toEqual(
      expect.arrayContaining([
        ["recovery_codes.made", `device:${deviceId}`, ip],
        ["recovery_code.used", `user:${user.id}`, ip],
      ]),
    );
    const { text } = await everythingAtRest();
    expect(text).toContain("recovery_codes.made");
    for (const code of codes) {
      expect(text).not.toContain(code);
      expect(text).not.toContain(code.replaceAll("-", ""));
    }
  });

  test("T100 race: one code twenty times at once opens once", async () => {
    const { user, codes } = await holder();
    const answers = await Promise.all(Array.from({ length: 20 }, () => use(user, codes[3])));
    expect(answers.filter(({ ok: isGood }) => isGood)).toHaveLength(1);
    expect(await left(user)).toBe(RECOVERY_CODES - 1);
  });

  test("a new set ends the one before, used and unused", async () => {
    const { user, codes, make } = await holder();
    await use(user, codes[0]);
    const made = await make();
    expect(await left(user)).toBe(RECOVERY_CODES);
    expect(await use(user, codes[1])).toEqual(wrong(1));
    expect(await use(user, made.ok ? made.value[0] : "")).toEqual(ok(undefined));
  });

  test("another user's code is a wrong one, and stays good for its own", async () => {
    const [one, other] = [await holder(), await holder()];
    expect(await use(other.user, one.codes[0])).toEqual(wrong(1));
    expect(await use(one.user, one.codes[0])).toEqual(ok(undefined));
  });

  test.each(["", "-", " ", "abcd", "x".repeat(10_000), "'; drop table recovery_codes; --", "\u0000"])(
    "nothing that is none is taken: %j",
    async (typed) => {
      const { user } = await holder();
      expect(await use(user, typed)).toEqual(wrong(1));
    },
  );

  test("wrong ones are counted, right ones are not; past the limit none is compared until the window ends", async () => {
    const { user, codes } = await holder();
    for (let guess = 1; guess <= RECOVERY_CODE_GUESSES.limit - 1; guess++) {
      expect(await use(user, WRONG)).toEqual(wrong(guess));
    }
    expect(await use(user, codes[0])).toEqual(ok(undefined));
    expect(await use(user, WRONG)).toEqual(wrong(RECOVERY_CODE_GUESSES.limit));
    expect(await use(user, codes[1])).toEqual(no({ code: "code_locked", until: expect.any(Number) }));
    expect(await left(user)).toBe(RECOVERY_CODES - 1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + RECOVERY_CODE_GUESSES.window });
    expect(await use(user, codes[1])).toEqual(ok(undefined));
  });

  test("of a hundred wrong ones at once no more are compared than may be", async () => {
    const { user } = await holder();
    const asked = vi.spyOn(powers.recoveryCodes, "use");
    const answers = await Promise.all(Array.from({ length: 100 }, () => use(user, WRONG)));
    expect(asked.mock.calls.filter(([, standing]) => standing.userId === user.id)).toHaveLength(
      RECOVERY_CODE_GUESSES.limit,
    );
    asked.mockRestore();
    expect(answers.every(({ ok: isGood }) => !isGood)).toBe(true);
  });

  test("full guesses close no other way of this user, and nobody else's codes", async () => {
    const [one, other] = [await holder(), await holder()];
    for (let guess = 0; guess <= RECOVERY_CODE_GUESSES.limit; guess++) await use(one.user, WRONG);
    const others = ["match", "device_enrolled:shop", "code_sends"].map((kind) => ({
      kind,
      limit: 1,
      window: 60_000,
    }));
    expect(await powers.inboxes.countTogether(userSubject(one.user.id), others)).toMatchObject({
      allowed: true,
    });
    expect(await use(other.user, other.codes[0])).toEqual(ok(undefined));
  });

  test("who is locked, or whose device was removed meanwhile, makes none; who is deleted has none", async () => {
    const { user, deviceId, codes, make } = await holder();
    await admin("DELETE", `/users/${user.id}/devices/${deviceId}`);
    expect(await make()).toEqual(no({ code: "device_revoked" }));
    expect(await left(user)).toBe(RECOVERY_CODES);
    await admin("PATCH", `/users/${user.id}`, { status: "locked" });
    expect(await use(user, codes[0])).toEqual(no({ code: "user_locked" }));
    await admin("DELETE", `/users/${user.id}`);
    expect(await left(user)).toBe(0);
    expect(await use(user, codes[0])).toEqual(no({ code: "unknown_user" }));
    expect(await make()).toEqual(no({ code: "unknown_user" }));
    expect(await left(user)).toBe(0);
  });

  test("a code that is used stays used when its guess cannot be given back", async () => {
    const { user, codes } = await holder();
    const uncount = () => Promise.reject(new Outage("down"));
    const broken = { ...powers, inboxes: { ...powers.inboxes, uncount } };
    const used = await useRecoveryCode(broken, { user, typed: codes[0] ?? "" });
    expect(used).toEqual(ok(undefined));
    expect(await use(user, codes[0])).toEqual(wrong(2));
  });
});
