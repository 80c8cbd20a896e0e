import { afterAll, describe, expect, test, vi } from "vitest";
import { CountersignError } from "../../../packages/countersign/src/errors.ts";
import { tried } from "../../../packages/phone/src/answers.ts";
import { leftOf, put } from "../../../packages/phone/src/words.ts";

vi.stubGlobal("BUILD", "0123456789ab");
const { reactionTo } = await import("../../../packages/phone/src/views/prompt.ts");
const { readable, visible } = await import("../../../packages/phone/src/views/details.ts");
const { hashOf } = await import("../../../packages/phone/src/views/camera.ts");
const { guessName } = await import("../../../packages/phone/src/views/enrol.ts");
const { words } = await import("../../../packages/phone/src/words.ts");

// Files of this project share a process: nothing of these is to be left for the next one.
afterAll(() => {
  vi.unstubAllGlobals();
});

const refusal = (status: number, code: string, more: Readonly<Record<string, unknown>> = {}) =>
  ({ ok: false, status, code, more }) as const;

describe("what a refused answer comes to on the screen", () => {
  test.each([
    [410, "expired", {}, { over: "expired" }],
    [410, "cancelled", {}, { over: "cancelled" }],
    [410, "superseded", {}, { over: "superseded" }],
    [410, "out_of_guesses", {}, { over: "out_of_guesses" }],
    [403, "device_too_young", {}, { over: "device_too_young" }],
    [404, "unknown_prompt", {}, { over: "unknown" }],
    [409, "already_decided", { winner: "approve" }, { over: "approved" }],
    [409, "already_decided", { winner: "deny" }, { over: "denied" }],
    [422, "wrong_match_code", { left: 2 }, { number: put(words.prompt.numberWrong, { left: 2 }) }],
    [403, "not_allowed", { why: "far" }, { say: words.prompt.whyNot.far }],
    [403, "not_allowed", { why: "unlock" }, { say: words.prompt.whyNot.unlock }],
    [403, "bad_signature", {}, { say: words.prompt.refused }],
    [503, "unavailable", {}, { say: words.trouble }],
    [0, "offline", {}, { say: words.offline }],
  ])("%i %s %j", (status, code, more, reaction) => {
    expect(reactionTo(refusal(status, code, more))).toEqual(reaction);
  });

  test.each([
    [429, "code_locked", words.prompt.locked],
    [429, "too_many", words.tooMany],
  ])("%i %s says until when", (status, code, sentence) => {
    const reaction = reactionTo(refusal(status, code, { until: "2026-11-27T18:00:00.000Z" }));
    expect("say" in reaction && reaction.say).toMatch(new RegExp(`^${sentence.split("{")[0]}.*\\d`));
  });

  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "T133 a code or a reason called %s is none of ours",
    (name) => {
      expect(reactionTo(refusal(410, name))).toEqual({ say: words.prompt.refused });
      expect(reactionTo(refusal(403, "not_allowed", { why: name }))).toEqual({ say: words.prompt.refused });
    },
  );
});

describe("T13 T14 texts of others", () => {
  test.each([
    ["plain Ünïcödé 日本語 👍", "plain Ünïcödé 日本語 👍"],
    ["pay\u202eevil", "pay⟨202E⟩evil"],
    ["a\u0000b\u200bc", "a⟨0000⟩b⟨200B⟩c"],
    ["two\nlines", "two⟨000A⟩lines"],
    ["<b>bold</b>", "<b>bold</b>"],
  ])("%j reads %j: what draws nothing is told", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test.each([
    ["instructedAmount", "instructed amount"],
    ["payment_initiation", "payment initiation"],
    ["IBAN", "IBAN"],
    ["x\u202ey", "x⟨202E⟩y"],
  ])("the name %j reads %j", (name, shown) => {
    expect(readable(name)).toBe(shown);
  });
});

describe("a QR code that this page reads", () => {
  const issuer = "https://sign.example";
  const FRAME = "f-_0".repeat(6);
  test.each([`#scan=abc123.${FRAME}`, "#code=WDJB-MJHT", "#add=abc.def~ghi"])("leads to %s", (hash) => {
    expect(hashOf(`${issuer}/phone${hash}`, issuer)).toBe(hash);
  });
  test.each([
    `https://sign.example.evil.example/phone#scan=abc.${FRAME}`,
    `https://sign.example@evil.example/phone#scan=abc.${FRAME}`,
    `http://sign.example/phone#scan=abc.${FRAME}`,
    `https://sign.example/oauth/authorize#scan=abc.${FRAME}`,
    "https://sign.example/phone#scan=abc.def",
    "https://sign.example/phone#devices",
    "https://sign.example/phone#scan=",
    "https://sign.example/phone#scan=a b",
    "https://sign.example/phone?x=1#scan=abc",
    "javascript:alert(1)",
    "",
  ])("%j leads nowhere", (code) => {
    expect(hashOf(code, issuer)).toBeUndefined();
  });
});

describe("small words", () => {
  test.each([
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)", "iPhone"],
    ["Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/140 Mobile Safari/537.36", "Android phone"],
    ["Mozilla/5.0 (Linux; Android 16; Tab) Chrome/140 Safari/537.36", "Android tablet"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Windows computer"],
    ["something else", "Phone"],
  ])("%s is called %s", (agent, name) => {
    expect(guessName(agent)).toBe(name);
  });

  test.each([
    [65_000, "1:05"],
    [64_001, "1:05"],
    [9_000, "0:09"],
    [0, "0:00"],
    [-5_000, "0:00"],
  ])("%i ms are %s", (milliseconds, text) => {
    expect(leftOf(milliseconds)).toBe(text);
  });

  test("a value is put where its name stands, once, and brings no places of its own", () => {
    expect(put("{app} says", { app: "{until}", until: "now" })).toBe("{until} says");
    expect(put("{missing}", {})).toBe("{missing}");
    expect(put("{toString}", {})).toBe("{toString}");
  });
});

describe("what the library refuses", () => {
  const refusing = (...detail: ConstructorParameters<typeof CountersignError>) =>
    tried(Promise.reject(new CountersignError(...detail)));

  test.each([
    ["expired", { status: 410, error: "expired", data: { left: 1 } }, 410, "expired"],
    ["unavailable", { status: 503, error: "unavailable" }, 503, "unavailable"],
    ["network", { status: 200 }, 200, "unreadable"],
    ["network", {}, 0, "offline"],
    ["invalid_argument", { error: "wrong_issuer" }, 400, "wrong_issuer"],
    ["not_signed", { reason: "cancelled" }, 0, "unsigned"],
  ] as const)("%s %j is a value", async (code, detail, status, name) => {
    const more = "data" in detail ? detail.data : "reason" in detail ? { reason: detail.reason } : {};
    expect(await refusing(code, "words", detail)).toEqual({ ok: false, status, code: name, more });
  });

  test("a key that does not sign, and what is no refusal, is a fault", async () => {
    await expect(refusing("not_signed", "words", { reason: "key" })).rejects.toThrow("words");
    await expect(tried(Promise.reject(new TypeError("gone")))).rejects.toThrow("gone");
    expect(await tried(Promise.resolve(7))).toEqual({ ok: true, value: 7 });
  });
});
