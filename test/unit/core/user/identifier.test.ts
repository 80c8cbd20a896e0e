import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IDENTIFIER_LIMIT, readIdentifier, readUsername } from "../../../../src/core/user/identifier.ts";

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
    expect(readIdentifier(text)).toMatchObject({ kind: "email", normal });
  });

  test.each([
    "ada@example.com.",
    "ada@example.com,",
    "<ada@example.com>;",
    "mailto:ada@example.com",
    "MAILTO: <Ada@Example.com>",
    "\u200bada\u200b@example.com\ufeff",
    "\u202aada@example.com\u202c",
    "ad\u00ada@example.com",
    "ada@example。com",
    "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
  ])("T228 C18 %j is ada@example.com: two spellings are one user", (text) => {
    const read = readIdentifier(text);
    expect([read?.kind, read?.normal]).toEqual(["email", "ada@example.com"]);
    // Mail is sent to what is kept.
    expect(read?.value).toMatch(/^ada@example\.com$/i);
  });

  test.each(["@.", "<>", "mailto:", "mailto:@", ".,;", "<ada>", "ada@.", "\u200b", "mailto:mailto:"])(
    "%j is no address",
    (text) => expect(readIdentifier(text)).toMatchObject({ kind: "username", value: text }),
  );

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
    ["\u202a+49 151 12345678\u202c", "+4915112345678"],
    ["\u200e+49\u00a0151\u202f12345678", "+4915112345678"],
    ["tel:+4915112345678", "+4915112345678"],
    ["TEL: +49-151-12345678", "+4915112345678"],
    ["+49‑151–12345678", "+4915112345678"],
    ["＋４９１５１１２３４５６７８", "+4915112345678"],
    ["+٤٩١٥١١٢٣٤٥٦٧٨", "+4915112345678"],
    ["+۴۹۱۵۱۱۲۳۴۵۶۷۸", "+4915112345678"],
    ["+४९१५११२३४५६७८", "+4915112345678"],
    ["+52 1 55 1234 5678", "+525512345678"],
    ["+525512345678", "+525512345678"],
    // No number of Mexico, and no mobile prefix of another country.
    ["+52 1 55 1234 567", "+521551234567"],
    ["+1 521 555 1234", "+15215551234"],
  ])("T228 C18 %j is found as %j: two spellings are one user", (text, normal) => {
    const read = readIdentifier(text);
    expect([read?.kind, read?.normal]).toEqual(["phone", normal]);
    expect(read?.value).toMatch(/^\+[0-9 -]+$/);
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
    "tel:4915112345678",
    "tel:+4915112345678;ext=7",
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

describe("T228 C18 names stay their owners'", () => {
  test.each(["می\u200cخواهم", "ada\u200b", "ａｄａ", "٤٢", "ada.", "<ada>", "tel:ada"])(
    "a username keeps what its owner may mean: %j",
    (text) =>
      expect(readIdentifier(text)).toEqual({ kind: "username", value: text, normal: text.normalize("NFC") }),
  );

  test("a text that is said to be a username is one, byte by byte, whatever it looks like", () => {
    for (const value of ["ada@example.com.", "+52 1 55 1234 5678", "\u200bada"]) {
      expect(readUsername(value)).toEqual({ kind: "username", value, normal: value });
    }
    for (const value of ["", " ", "a\u0000", "a".repeat(255)]) expect(readUsername(value)).toBeUndefined();
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
    fc.stringMatching(/^(?:mailto:|<|\u200b| )*[a-z。.＠@]{1,9}@[a-z。．.]{1,9}[>.,;\u202c ]*$/),
    fc.stringMatching(/^(?:tel:|\u202a| )*[+＋]52 ?1[٠-٩0-9 \u00a0–-]{8,16}\u202c?$/),
  );

  test("is read into a form that reads as itself: finding by it finds the same", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(texts, (text) => {
        const read = readIdentifier(text);
        if (!read) return;
        kinds.add(read.kind);
        if (read.kind === "username") expect(read.value).toBe(text.trim());
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
