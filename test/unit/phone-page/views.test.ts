import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
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
  test.each(["#scan=abc123.f-_0", "#code=WDJB-MJHT", "#add=abc.def~ghi"])("leads to %s", (hash) => {
    expect(hashOf(`${issuer}/phone${hash}`, issuer)).toBe(hash);
  });
  test.each([
    "https://sign.example.evil.example/phone#scan=abc.def",
    "https://sign.example@evil.example/phone#scan=abc.def",
    "http://sign.example/phone#scan=abc.def",
    "https://sign.example/oauth/authorize#scan=abc.def",
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

describe("calls", () => {
  let api: typeof import("../../../packages/phone/src/api.ts");
  let key: CryptoKeyPair;
  beforeAll(async () => {
    api = await import("../../../packages/phone/src/api.ts");
    const { makeKey } = await import("../../../packages/phone/src/store.ts");
    key = await makeKey();
  });
  const answering = (answer: () => Response | Promise<Response>) => {
    const asked = vi.fn(async (_path: string, _init: RequestInit) => await answer());
    vi.stubGlobal("fetch", asked);
    return asked;
  };

  test("the page's key signs and cannot be taken out of the browser", async () => {
    expect(key.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("jwk", key.privateKey)).rejects.toThrow();
  });

  test("RFC 9449 §4.2: a proof names method, address and token, and another each time", async () => {
    const asked = answering(() => Response.json({}));
    const me = { key, token: "tok" };
    for (const _ of [1, 2])
      await api.callAsDevice(me, "https://sign.example", "GET", "/approver/activity?after=x");
    const proofs = asked.mock.calls.map(([, init]) => new Headers(init.headers).get("DPoP") ?? "");
    expect(new Headers(asked.mock.calls[0]?.[1].headers).get("Authorization")).toBe("DPoP tok");
    const [header, claims] = (proofs[0] ?? "")
      .split(".", 2)
      .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
    expect(header).toMatchObject({ typ: "dpop+jwt", alg: "ES256" });
    expect(Object.keys(header.jwk).sort()).toEqual(["crv", "kty", "x", "y"]);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("tok"));
    expect(claims).toMatchObject({
      htm: "GET",
      htu: "https://sign.example/approver/activity",
      ath: Buffer.from(digest).toString("base64url"),
    });
    expect(proofs[0]).not.toBe(proofs[1]);
    const [head = "", body = "", signature = ""] = (proofs[0] ?? "").split(".");
    const isGood = await crypto.subtle.verify(
      { name: "ECDSA", hash: "SHA-256" },
      key.publicKey,
      Buffer.from(signature, "base64url"),
      new TextEncoder().encode(`${head}.${body}`),
    );
    expect(isGood).toBe(true);
  });

  test.each([
    ["problem details", () => Response.json({ code: "expired", left: 1 }, { status: 410 }), 410, "expired"],
    ["an outage", () => new Response("", { status: 503 }), 503, "unavailable"],
    ["a page of something between", () => new Response("<html>", { status: 502 }), 502, "unreadable"],
    ["a refusal without a code", () => Response.json({ title: "x" }, { status: 400 }), 400, "refused"],
    ["a code that is no text", () => Response.json({ code: 7 }, { status: 400 }), 400, "refused"],
  ])("%s is a value", async (_, answer, status, code) => {
    answering(answer);
    expect(await api.callOpen("GET", "/approver/config")).toMatchObject({ ok: false, status, code });
  });

  test("JSON that is no object, and no network, are values too", async () => {
    answering(() => Response.json(null, { status: 400 }));
    expect(await api.callOpen("GET", "/x")).toMatchObject({ ok: false, code: "refused" });
    answering(() => Promise.reject(new TypeError("Failed to fetch")));
    expect(await api.callOpen("GET", "/x")).toMatchObject({ ok: false, status: 0, code: "offline" });
    answering(() => new Response(null, { status: 204 }));
    expect(await api.callOpen("DELETE", "/x")).toMatchObject({ ok: true });
  });

  test("the server's clock counts where this one is wrong, and no longer than it is", async () => {
    const at = (time: number) =>
      answering(() => Response.json({}, { headers: { Date: new Date(time).toUTCString() } }));
    at(Date.now() + 3_600_000);
    await api.callOpen("GET", "/x");
    expect(api.serverNow() - Date.now()).toBeGreaterThan(3_590_000);
    at(Date.now());
    await api.callOpen("GET", "/x");
    expect(Math.abs(api.serverNow() - Date.now())).toBeLessThan(2_500);
  });
});
