import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainCode, plainDigits } from "../../../src/core/typed-text.ts";

describe("C18 a code as it is typed or pasted", () => {
  test.each([
    "123456",
    " 123 456 ",
    "123-456",
    "\u200b123\u200b456\ufeff",
    "\u202a123456\u202c",
    "1\u00ad2\u00ad3456",
    "123\u2011456",
    "123–456",
    "123\u00a0456",
    "١٢٣٤٥٦",
    "۱۲۳۴۵۶",
    "१२३४५६",
    "１２３４５６",
    "𝟏𝟐𝟑𝟒𝟓𝟔",
    "𝟭𝟮𝟯𝟺𝟻𝟼",
  ])("%j is 123456", (text) => expect(plainCode(text)).toBe("123456"));

  test.each([
    ["a secret with dashes", "aB-c_d", "aB-c_d"],
    ["letters and digits", "12a 456", "12a 456"],
    ["nothing", "\u200b ", ""],
  ])("%s is only cleaned", (_name, text, plain) => expect(plainCode(text)).toBe(plain));

  test("digits of every script have their value", () => {
    for (const zero of [0x0660, 0x06f0, 0x0966, 0x0e50, 0xff10, 0x104a0, 0x1e950]) {
      const all = Array.from({ length: 10 }, (_, value) => String.fromCodePoint(zero + value));
      expect(plainDigits(all.join(""))).toBe("0123456789");
    }
  });

  test("cleaning twice is cleaning once, and no code becomes another one", () =>
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.stringMatching(/^[0-9]{6}$/), (text, code) => {
        expect(plainCode(plainCode(text))).toBe(plainCode(text));
        expect(plainCode(code)).toBe(code);
      }),
    ));
});
