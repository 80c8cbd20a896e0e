import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readExternalId } from "../../../../src/core/user/external-id.ts";

describe("an app's own name for a user", () => {
  test.each([
    "a",
    "user-42",
    "crm:7/ä",
    "ada@example.com",
    "2d035665-5f8c-4d8b-9b0e-6a1f6a3a6c11",
    "Ada Lovelace",
    "two  blanks",
    "名前",
    "נָעֳמִי".normalize("NFC"),
    "a".repeat(254),
    "__proto__",
    "🦊",
  ])("is taken as it is: %j", (text) => {
    expect(readExternalId(text)).toBe(text);
  });

  test.each([
    ["nothing", ""],
    ["255 characters", "a".repeat(255)],
    ["a blank in front", " ada"],
    ["a blank behind", "ada "],
    ["one blank", " "],
    ["a no-break space", "a\u00a0da"],
    ["an ideographic space", "a\u3000da"],
    ["a tab", "a\tda"],
    ["a line end", "ada\n"],
    ["NUL", "ada\u0000"],
    ["DEL", "ada\u007f"],
    ["a C1 control", "ada\u0085"],
    ["a zero-width space", "ad\u200ba"],
    ["a zero-width joiner", "ad\u200da"],
    ["a byte order mark", "\ufeffada"],
    ["a soft hyphen", "ad\u00ada"],
    ["a word joiner", "ad\u2060a"],
    ["a turn of the reading direction", "ad\u202ea"],
    ["a grapheme joiner", "ad\u034fa"],
    ["a Hangul filler", "ad\u3164a"],
    ["a variation selector", "ad\ufe0fa"],
    ["a tag character", "ad\u{e0061}a"],
    ["a line separator", "ad\u2028a"],
    ["a paragraph separator", "ad\u2029a"],
    ["a private-use character", "ad\ue000a"],
    ["an unassigned one", "ad\u0378a"],
    ["a noncharacter", "ad\uffffa"],
    ["half a pair", "ad\ud800a"],
    ["letters that are not composed", "Jo\u0308rg"],
    ["KELVIN SIGN, which composes to K", "\u212aevin"],
  ])("is refused with %s", (_what, text) => {
    expect(readExternalId(text)).toBeUndefined();
  });

  const texts = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: "grapheme", maxLength: 100 }),
  );

  test("property: it is answered unchanged or not at all, whatever is sent", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect([text, undefined]).toContain(readExternalId(text));
      }),
    );
  });

  test("property: what is taken is NFC, holds no blank outside, and nothing that is not seen", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const taken = readExternalId(text);
        if (taken === undefined) return;
        expect(taken.normalize("NFC")).toBe(taken);
        expect(taken.trim()).toBe(taken);
        expect(taken.replaceAll(/[\p{C}\p{Z}]/gu, "")).toBe(taken.replaceAll(" ", ""));
        expect(new TextDecoder().decode(new TextEncoder().encode(taken))).toBe(taken);
      }),
    );
  });

  test("property: an unseen character anywhere in a good name makes it another one, and refused", () => {
    const unseen = fc.constantFrom(..."\u200b\u200c\u200d\u2060\ufeff\u00ad\u0000\u202e\u2029\u00a0\u180e");
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,40}$/), unseen, fc.nat(), (name, sign, seed) => {
        const at = seed % (name.length + 1);
        expect(readExternalId(name)).toBe(name);
        expect(readExternalId(name.slice(0, at) + sign + name.slice(at))).toBeUndefined();
      }),
    );
  });
});
