import { expect, test } from "vitest";
import { missingIn, patchOf } from "../../../packages/console/src/patch.ts";
import { shown } from "../../../packages/console/src/shown.ts";

const BEFORE = {
  name: "Shop",
  redirect_uris: ["https://a.example", "https://b.example"],
  webhook_url: null,
  settings: { match_code: "off", brand: { name: "Shop" }, refresh_token_days: 3 },
};

test("nothing changed is nothing to send", () => {
  expect(patchOf(BEFORE, structuredClone(BEFORE))).toEqual({});
});

test("what changed is sent, whole for a list, and what was taken out of the text is left as it is", () => {
  expect(patchOf(BEFORE, { name: "Bank", redirect_uris: ["https://b.example"] })).toEqual({
    name: "Bank",
    redirect_uris: ["https://b.example"],
  });
});

test("of the settings those that changed are sent, and null for those that are gone", () => {
  const settings = { match_code: "required", brand: { name: "Shop" }, proximity: "deny" };
  expect(patchOf(BEFORE, { ...BEFORE, settings })).toEqual({
    settings: { match_code: "required", proximity: "deny", refresh_token_days: null },
  });
});

test("what is no object goes as it is, for the server to refuse", () => {
  for (const settings of [null, 3, "x", []])
    expect(patchOf(BEFORE, { ...BEFORE, settings })).toEqual({ settings });
  expect(patchOf(BEFORE, { no_such_member: 1 })).toEqual({ no_such_member: 1 });
});

test("a member that was taken out is named, so that nobody believes it to be empty", () => {
  expect(missingIn(BEFORE, { name: "Shop", settings: {} })).toEqual(["redirect_uris", "webhook_url"]);
  expect(missingIn(BEFORE, BEFORE)).toEqual([]);
});

test("what is not seen of a text is written out, letters of every script stay", () => {
  expect(shown("\u202enevorp")).toBe("⟨U+202E⟩nevorp");
  expect(shown("a\u200bb\u2028c\u0007")).toBe("a⟨U+200B⟩b⟨U+2028⟩c⟨U+0007⟩");
  for (const text of ["Ana Müller", "王小明", "דנה", "ana+tag@example.com", "👋 hi"])
    expect(shown(text)).toBe(text);
});
