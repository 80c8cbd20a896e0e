import { describe, expect, test } from "vitest";
import { plainRecoveryCode, recoveryCodeOf } from "../../../../src/core/device/recovery-codes.ts";

describe("a recovery code", () => {
  test("has sixteen signs of five bits in groups of four: every byte of its ten counts", () => {
    expect(recoveryCodeOf(new Uint8Array(10))).toBe("0000-0000-0000-0000");
    expect(recoveryCodeOf(new Uint8Array(10).fill(255))).toBe("zzzz-zzzz-zzzz-zzzz");
    const codes = Array.from({ length: 80 }, (_, bit) => {
      const bytes = new Uint8Array(10);
      bytes[bit >> 3] = 1 << (bit & 7);
      return recoveryCodeOf(bytes);
    });
    expect(new Set(codes).size).toBe(80);
    for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
  });

  test.each([
    ["as it was shown", "0b1d-efgh-jkmn-pqrs"],
    ["in capitals, without dashes", "0B1DEFGHJKMNPQRS"],
    ["with blanks, and letters that look like digits", " ObId efgh jkmn pqrs "],
    ["with an l for the 1", "obld-efgh-jkmn-pqrs"],
    ["with the dashes and wide letters of another keyboard", "０ｂ１ｄ–efgh—jkmn‑pqrs"],
    ["with marks that nobody sees", "0b1d\u200b-efgh-jkmn-pqrs\ufeff"],
  ])("is read %s", (_, typed) => {
    expect(plainRecoveryCode(typed)).toBe("0b1defghjkmnpqrs");
  });
});
