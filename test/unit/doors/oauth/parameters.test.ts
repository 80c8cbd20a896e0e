import { describe, expect, test } from "vitest";
import { readDetails } from "../../../../src/doors/oauth/ciba/details.ts";
import { readBindingMessage, readExpiry } from "../../../../src/doors/oauth/ciba/parameters.ts";
import { readResource } from "../../../../src/doors/oauth/resource.ts";
import { BANK } from "../../support/clients.ts";

describe("binding_message", () => {
  test.each(["TILL-7", "a", "Order 12, no. 3:4_#5", "12345678901234567890"])("T13 %s is taken", (text) => {
    expect(readBindingMessage(text)).toEqual({ ok: true, value: text });
  });

  test.each([
    ["a text of 21 characters", "123456789012345678901"],
    ["4 KB", "a".repeat(4_096)],
    ["blanks alone", "   "],
    ["a line end", "TILL\n7"],
    ["a line end at its end", "TILL-7\n"],
    ["a tab", "TILL\t7"],
    ["a control character", "TILL\u00007"],
    ["another control character", "TILL\u0085"],
    ["a mark that turns the text around", "TILL\u202e7"],
    ["an isolate", "\u2066TILL\u2069"],
    ["what is drawn as nothing", "TI\u200bLL"],
    ["right-to-left letters", "\u05e9\u05dc\u05d5\u05dd"],
    ["a look-alike letter", "T\u0406LL"],
    ["an emoji", "\u2705 ok"],
    ["a URL", "https://a.example"],
    ["HTML", "<b>TILL</b>"],
    ["an entity", "&lt;"],
    ["a percent escape", "%3Cb%3E"],
    ["an at sign", "a@b"],
    ["a slash", "a/b"],
    ["half a character", "\ud83d"],
  ])("T13 %s is refused", (_name, text) => {
    expect(readBindingMessage(text)).toMatchObject({
      ok: false,
      error: { error: "invalid_binding_message" },
    });
  });
});

test.each([
  [undefined, undefined],
  ["1", 1_000],
  ["600", 600_000],
  ["601", 600_000],
  ["9999999999", 600_000],
])("requested_expiry %s lives %d ms", (text, length) => {
  expect(readExpiry(text)).toEqual({ ok: true, value: length });
});

test.each(["0", "-1", "1.5", "1e3", "01", "+5", " 5", "0x10", "99999999999", "NaN"])(
  "requested_expiry %s is refused",
  (text) => {
    expect(readExpiry(text)).toMatchObject({ ok: false, error: { error: "invalid_request" } });
  },
);

describe("authorization_details", () => {
  test("a list of typed objects is taken as it is", () => {
    const details = [{ type: "payment", amount: "5.00" }, { type: "other" }];
    expect(readDetails(JSON.stringify(details))).toEqual({ ok: true, value: details });
  });

  test.each([
    "",
    "null",
    "{}",
    '{"type":"a"}',
    "[]",
    "[null]",
    "[[]]",
    '["a"]',
    '[{"type":1}]',
    '[{"type":""}]',
  ])("%s is refused", (text) => {
    expect(readDetails(text)).toMatchObject({ ok: false, error: { error: "invalid_authorization_details" } });
  });
});

describe("resource", () => {
  const listing = (resources?: readonly string[]) => ({ ...BANK, settings: resources ? { resources } : {} });

  test("one that the client lists is taken, byte for byte", () => {
    const party = listing(["https://api.example/v1"]);
    expect(readResource(party, "https://api.example/v1")).toEqual({
      ok: true,
      value: "https://api.example/v1",
    });
    for (const text of ["https://api.example/v1/", "https://API.example/v1", "https://api.example"]) {
      expect(readResource(party, text)).toMatchObject({ error: { error: "invalid_target" } });
    }
  });

  test.each(["api", "/v1", "https://api.example/v1#a", "https://api.example/v1#", "a".repeat(3_000)])(
    "%s is no resource, whatever is listed",
    (text) => {
      expect(readResource(listing([text]), text)).toMatchObject({ error: { error: "invalid_target" } });
    },
  );

  test("without a list the client itself is all that may be asked for", () => {
    expect(readResource(listing(), undefined)).toEqual({ ok: true, value: undefined });
    expect(readResource(listing(), "https://api.example")).toMatchObject({
      error: { error: "invalid_target" },
    });
  });
});
