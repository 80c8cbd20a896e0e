import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IDENTIFIER_LIMIT, readIdentifier } from "../../src/core/user/identifier.ts";

describe("e-mail addresses", () => {
  test.each([
    ["ada@example.com", "ada@example.com"],
    ["  Ada@Example.COM\t", "ada@example.com"],
    ["Ada+Tag@example.com", "ada+tag@example.com"],
    ["a.d.a@example.com", "a.d.a@example.com"],
    ["ada@münchen.example", "ada@xn--mnchen-3ya.example"],
    ["ada@MÜNCHEN.example", "ada@xn--mnchen-3ya.example"],
    ["ada@mu\u0308nchen.example", "ada@xn--mnchen-3ya.example"],
    ["ada@xn--mnchen-3ya.example", "ada@xn--mnchen-3ya.example"],
    ["ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"],
    ["jose\u0301@example.com", "josé@example.com"],
    ["JOSÉ@example.com", "josé@example.com"],
    ["ada@localhost", "ada@localhost"],
    ['"<b>"@example.com', '"<b>"@example.com'],
    ["ada@exa_mple.com", "ada@exa_mple.com"],
    ["ada@a<b", "ada@a<b"],
  ])("%j is found as %j", (text, normal) => {
    expect(readIdentifier(text)).toEqual({ kind: "email", value: text.trim(), normal });
  });

  test.each([
    "ada@example.com:80",
    "ada@example.com:",
    "ada@example.com/",
    "ada@example.com\\x",
    "ada@example.com?x",
    "ada@example.com#x",
    "ada@ex%61mple.com",
    "ada@evil.example@example.com",
    "ada @example.com",
    "@example.com",
    "ada@",
  ])("%j is no address, and not ada@example.com", (text) => {
    expect(readIdentifier(text)).toEqual({ kind: "username", value: text, normal: text });
  });

  test("an address that looks alike in another script is another address", () => {
    expect(readIdentifier("аda@example.com")?.normal).not.toBe("ada@example.com");
    expect(readIdentifier("ada@exаmple.com")?.normal).toBe("ada@xn--exmple-4nf.com");
  });
});

describe("phone numbers", () => {
  test.each([
    ["+4915112345678", "+4915112345678"],
    ["+49 151 1234-5678", "+4915112345678"],
    [" +1 (555) 010-0199 ", "+15550100199"],
    ["+49.151.12345678", "+4915112345678"],
    ["+290123", "+290123"],
    ["+123456789012345", "+123456789012345"],
  ])("%j is found as %j", (text, normal) => {
    expect(readIdentifier(text)).toEqual({ kind: "phone", value: text.trim(), normal });
  });

  test.each([
    "4915112345678",
    "00491511234567",
    "+49151x1234567",
    "+ 4915112345678",
    "++4915112345678",
    "+1 ()()()()",
    "+1.......",
    "+12345",
    "+1234567890123456",
    "+٤٩١٥١١٢٣٤٥٦٧٨",
  ])("%j is no number", (text) => {
    expect(readIdentifier(text)).toEqual({ kind: "username", value: text, normal: text });
  });
});

describe("usernames", () => {
  test.each([
    ["ada", "ada"],
    ["Ada", "Ada"],
    [" ada lovelace ", "ada lovelace"],
    ["jose\u0301", "josé"],
    ["愛田", "愛田"],
    ["👩‍💻", "👩‍💻"],
    ["+1", "+1"],
  ])("%j is found as %j", (text, normal) => {
    expect(readIdentifier(text)).toEqual({ kind: "username", value: text.trim(), normal });
  });
});

describe("what is no identifier", () => {
  test.each([
    ["nothing", ""],
    ["blanks", " \t\n\u00a0\u3000"],
    ["a null", "a\u0000da"],
    ["a line break inside", "ada\n@example.com"],
    ["a carriage return inside a name", "ada\rlovelace"],
    ["an escape", "ada\u001b[31m"],
    ["a delete", "ada\u007f"],
    ["a C1 control", "ada\u0085lovelace"],
    ["half a surrogate pair", "ada\ud800"],
    ["the other half, in an address", "ada@\udc00.example"],
  ])("%s", (_name, text) => {
    expect(readIdentifier(text)).toBeUndefined();
  });

  test("254 characters are read, 255 are not; blanks around do not count", () => {
    expect(IDENTIFIER_LIMIT).toBe(254);
    expect(readIdentifier("a".repeat(254))?.kind).toBe("username");
    expect(readIdentifier(` ${"a".repeat(254)} `)?.value.length).toBe(254);
    expect(readIdentifier("a".repeat(255))).toBeUndefined();
    expect(readIdentifier(`${"a".repeat(243)}@example.com`)).toBeUndefined();
  });
});

describe("any text", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.emailAddress(),
    fc
      .tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.domain())
      .map(([local, domain]) => `${local}@${domain}`),
    fc
      .tuple(fc.emailAddress(), fc.constantFrom("/", ":1", "?q", "#f", "\\", "%2e", "@x.example"))
      .map(([address, rest]) => address + rest),
    fc.stringMatching(/^\+[0-9]{2}( ?[0-9]){5,12}$/),
    fc.stringMatching(/^\+[0-9 ().-]{1,34}$/),
  );

  test("is read into a form that reads as itself: finding by it finds the same", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(texts, (text) => {
        const read = readIdentifier(text);
        if (!read) return;
        kinds.add(read.kind);
        expect(read.value).toBe(text.trim());
        expect(readIdentifier(read.normal)).toEqual({
          kind: read.kind,
          value: read.normal,
          normal: read.normal,
        });
        expect(readIdentifier(` ${read.value}\n`)).toEqual(read);
      }),
      { numRuns: 5_000 },
    );
    expect([...kinds].toSorted()).toEqual(["email", "phone", "username"]);
  });

  test("an address keeps its local part and a domain of its own: what differs before the last @ differs after", () =>
    fc.assert(
      fc.property(
        fc.emailAddress(),
        fc.constantFrom("/", ":443", ":80", "?a", "#a", "\\a", "%00"),
        (address, tail) => {
          const plain = readIdentifier(address);
          const dressed = readIdentifier(address + tail);
          expect(plain?.kind).toBe("email");
          expect([dressed?.kind, dressed?.normal]).not.toEqual([plain?.kind, plain?.normal]);
        },
      ),
    ));
});
