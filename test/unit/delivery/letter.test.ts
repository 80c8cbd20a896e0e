import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { effectOfAction } from "../../../src/core/message/code-effect.ts";
import { oneLine } from "../../../src/core/shown-text.ts";
import { isOneAddress } from "../../../src/delivery/carrier.ts";
import { contrast, lookOf } from "../../../src/delivery/email/brand.ts";
import { headerText, mimeMessage } from "../../../src/delivery/email/mime.ts";
import { noAddress } from "../../../src/delivery/plain.ts";
import { EN } from "../../../src/delivery/words/en.ts";
import { CODE, letter, NOW } from "../../fakes/letters.ts";

const LINK = "https://sign.example/app/confirm?t=abc&x=1";
const INJECTION = "Shop\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>";

describe("a one-time code", () => {
  test("T69 a text message ends with the line that binds the code to this service's page", () => {
    const { short } = letter({ channel: "sms", to: "+4915112345678" });
    expect(short.split("\n").at(-1)).toBe(`@sign.example #${CODE}`);
    expect(short.split("\n").at(-2)).toBe("");
    expect(short.split("\n")[0]).toBe(`${CODE} is your Shop code. Never read it to anyone.`);
    // Every character is in the alphabet of 160 to a text (3GPP TS 23.038).
    expect(short).toMatch(/^[A-Za-z0-9 @#.,:\n-]+$/);
    expect(short.length).toBeLessThanOrEqual(160);
  });

  test("T69 the text of an e-mail tells the reader never to read the code to anyone, and holds it once", () => {
    const { text, html } = letter();
    for (const form of [text, html]) {
      expect(form).toContain("Never read this code to anyone");
      expect(form.split(CODE)).toHaveLength(2);
    }
    expect(text).toContain("within 10 minutes");
  });

  test("T64 the subject and the sender's name, which lists and screens show, do not hold the code", () => {
    const { subject, from } = letter();
    expect([subject, from]).toEqual(["Your Shop code", "Shop"]);
  });

  test("a WhatsApp message has no line for browsers", () => {
    expect(letter({ channel: "whatsapp", to: "+4915112345678" }).short).not.toContain("#");
  });

  test("a message without what its template tells of is nobody's to send", () => {
    expect(() => letter({ code: "" })).toThrow(TypeError);
    expect(() => letter({ template: "magic_link" })).toThrow(TypeError);
  });

  test.each([
    [30_000, "within 1 minute."],
    [60_000, "within 1 minute."],
    [200_000, "within 3 minutes."],
  ])("%i ms before its end it says: %s", (left, said) => {
    expect(letter({ expiresAt: NOW + left }).text).toContain(said);
  });
});

test("T33 a letter that tells of a new device has the link that takes it back, in both forms; without one it is not written", () => {
  const link = "https://sign.example/phone/undo?t=a.b.c.d";
  const { text, html, short } = letter({ template: "device_enrolled", deviceName: "Pixel", link });
  expect(text).toContain(`    ${link}\n`);
  expect(html).toContain(`href="${link}"`);
  expect(short).toContain(link);
  expect(text.replaceAll(/\s+/g, " ")).toContain("If this was not you, take it back within 24 hours:");
  for (const template of ["magic_link", "recovery_begun", "device_enrolled"] as const) {
    expect(() => letter({ template, deviceName: "Pixel" })).toThrow("has no link");
  }
});

describe("a magic link", () => {
  const magic = letter({ template: "magic_link", link: LINK });

  test("stands in both forms, escaped where it must be", () => {
    expect(magic.text).toContain(`    ${LINK}\n`);
    expect(magic.html).toContain(`href="${LINK.replace("&", "&amp;")}"`);
    expect(magic.short).toContain(LINK);
  });

  test("T224 O9 names what comes of it, and a program's name never", () => {
    const effects = [
      [effectOfAction("signIn"), "Sign in to Shop", "asked to sign in with this address"],
      [
        effectOfAction("transferFunds"),
        "Confirm “transfer funds” at Shop",
        "asks you to confirm “transfer funds”",
      ],
      [{ kind: "add_address" } as const, "Add your address to Shop", "add this address to their account"],
      [undefined, "Confirm your address for Shop", "wants to know that this address is yours"],
    ] as const;
    for (const [effect, subject, said] of effects) {
      const parts = { template: "magic_link", link: LINK, ...(effect ? { effect } : {}) } as const;
      const written = letter(parts);
      expect(written.subject).toBe(subject);
      expect(written.text.replaceAll(/\s+/g, " ")).toContain(said);
      expect(written.short).toContain(LINK);
      for (const form of [written.text, written.html, written.short])
        expect(form).not.toMatch(/signIn|transferFunds/);
    }
    expect(letter({ effect: { kind: "sign_in" } }).text.replaceAll(/\s+/g, " ")).toContain(
      "to sign in to Shop:",
    );
  });

  test.each([
    ["signIn", { kind: "sign_in" }],
    ["sign-in", { kind: "sign_in" }],
    ["LOG_IN", { kind: "sign_in" }],
    ["login", { kind: "sign_in" }],
    ["resetPassword2", { kind: "action", words: "reset password2" }],
    ["pay.the-bill", { kind: "action", words: "pay the bill" }],
    ["https://evil.example/x", { kind: "action", words: "https evil example x" }],
    ["___", { kind: "action", words: "___" }],
  ])("T224 O9 the action %s in words", (code, effect) => {
    expect(effectOfAction(code)).toEqual(effect);
  });

  test("is never to be passed on, and says when nothing need be done", () => {
    expect(magic.text).toContain("Never pass this message on");
    expect(magic.text).toContain("Nothing happens until somebody confirms.");
  });
});

describe("words that apps and users supply", () => {
  test("a client's name is one line of text: no header, no markup", () => {
    const { subject, from, html, text } = letter({ brand: { name: INJECTION } });
    expect(from).not.toMatch(/[\r\n]/);
    expect(subject).not.toMatch(/[\r\n]/);
    expect(html).not.toContain("<script");
    expect(html).toContain("&lt;script&gt;");
    expect(text).not.toContain("\nBcc:");
  });

  test.each([
    ["a\u2028b\u0085c\u0000d", "a b c d"],
    ["abc\u202Egpj.exe", "abc gpj.exe"],
    ["  much   room ", "much room"],
    ["\ud800half", "\ufffdhalf"],
    ["👩‍👩‍👧‍👦 family", "👩‍👩‍👧‍👦 family"],
    ["x".repeat(100), `${"x".repeat(59)}…`],
  ])("%j becomes %j", (given, line) => {
    expect(oneLine(given, 60)).toBe(line);
  });

  test("a device's name is shown, and no mail program finds an address in it", () => {
    const { html, text } = letter({
      template: "device_enrolled",
      link: "https://sign.example/phone/undo?t=x",
      deviceName: "Win at https://evil.example/now or mail a@evil.example <b>",
    });
    for (const form of [html, text]) {
      expect(form).toContain("Win at");
      expect(form.replaceAll("https://sign.example", "")).not.toMatch(/evil\.example|https?:|a@/);
    }
    expect(html).not.toContain("<b>");
    expect(noAddress("Ana's Pixel 4 (work). Really: yes")).toBe("Ana's Pixel 4 (work). Really: yes");
  });

  test("the caller's user agent is not repeated; country and address are", () => {
    const { text } = letter({
      origin: { ip: "198.51.100.7", country: "DE", userAgent: "Call +1 900 555 now" },
    });
    expect(text).toContain("The request came from Germany (198.51.100.7).");
    expect(text).not.toContain("Call");
  });

  test("a language without a catalogue is answered in English, whatever it is called", () => {
    for (const locale of ["en", "EN-us", "xx", "", "constructor", "__proto__"]) {
      expect(letter({ locale }).subject).toBe("Your Shop code");
    }
  });

  test("every template says something of every part", () => {
    const facts = { brand: "B", minutes: 5, code: "1", link: "https://x", device: "D" };
    for (const template of ["one_time_code", "magic_link", "device_enrolled"] as const) {
      const { subject, heading, before, after, short } = EN[template](facts);
      for (const words of [subject, heading, ...before, ...after, short]) expect(words.trim()).not.toBe("");
    }
  });
});

describe("a brand", () => {
  test.each(["#ffffff", "#000000", "#ffcc00", "#1d4ed8", "#777777", "#00aa88"])(
    "words on %s can be read",
    (colour) => {
      const { onColour } = lookOf({ name: "x", colour });
      expect(contrast(colour, onColour)).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(["red", "#fff", "#12345g", "#1d4ed8;background:url(x)"])("%s is no colour", (colour) => {
    expect(lookOf({ name: "x", colour }).colour).toBe("#1d4ed8");
  });

  test.each(["http://a.example/x.png", "javascript:alert(1)", "data:image/png;base64,AA", "//a/x", "x"])(
    "%s is no logo",
    (logo) => {
      expect(lookOf({ name: "x", logo })).not.toHaveProperty("logo");
      expect(letter({ brand: { name: "Shop", logo } }).html).not.toContain("<img");
    },
  );

  test("the client's logo is the one thing that is loaded from elsewhere", () => {
    const { html } = letter({ brand: { name: 'A "B"', logo: 'https://cdn.example/l.png?"onload="x' } });
    expect(html.match(/<img [^>]*>/g)).toHaveLength(1);
    expect(html).toContain('src="https://cdn.example/l.png?%22onload=%22x"');
    expect(html).toContain('alt="A &quot;B&quot;"');
    expect(html.match(/https?:\/\//g)).toHaveLength(1);
    expect(html).not.toMatch(/url\(|@import|<link|<script/);
  });
});

describe("an address", () => {
  test.each([
    ["email", "ana@example.com", true],
    ["email", "ana+tag.x@sub.example.com", true],
    ["email", "a@b,c@d", false],
    ["email", "a@b\r\nBcc: c@d", false],
    ["email", "Ana <a@b>", false],
    ["email", "a b@c", false],
    ["email", "a@b\u2028", false],
    ["email", `${"a".repeat(320)}@b`, false],
    ["sms", "+4915112345678", true],
    ["sms", "4915112345678", false],
    ["sms", "+49151;+1900", false],
    ["whatsapp", "+4915112345678", true],
    ["whatsapp", "whatsapp:+4915112345678", false],
    ["push", "device", true],
    ["push", "", false],
  ] as const)("%s %j: %s", (channel, to, good) => {
    expect(isOneAddress(channel, to)).toBe(good);
  });

  test("has its domain as the DNS has it", () => {
    expect(letter({ to: "ana@müller.example" }).to).toBe("ana@xn--mller-kva.example");
  });
});

describe("an Internet message", () => {
  const read = async (over: Parameters<typeof letter>[0]) =>
    await PostalMime.parse(mimeMessage(letter(over), "no-reply@sign.example", new Date(NOW)));

  test("a reader finds sender, recipient, subject, date, id and both forms", async () => {
    const written = letter();
    const mail = await read({});
    expect(mail.from).toEqual({ name: "Shop", address: "no-reply@sign.example" });
    expect(mail.to).toEqual([{ name: "", address: "ana@example.com" }]);
    expect(mail.subject).toBe("Your Shop code");
    expect(new Date(mail.date ?? "").getTime()).toBe(NOW);
    expect(mail.messageId).toBe("<msg_01-Az@sign.example>");
    expect(mail.text?.trim()).toBe(written.text.trim());
    expect(mail.html?.trim()).toBe(written.html.trim());
    expect(mail.headers.find(({ key }) => key === "auto-submitted")?.value).toBe("auto-generated");
  });

  test.each([
    'Ana "the boss" \\ Shop',
    "Müller & Söhne",
    "株式会社カウンターサイン・オンラインショッピング・サービス",
    "👩‍👩‍👧‍👦".repeat(5),
    "=?UTF-8?B?QmNjOiBldmls?=",
    "x".repeat(80),
  ])("the name %s arrives as it is", async (name) => {
    const mail = await read({ brand: { name } });
    expect(mail.from?.name).toBe(oneLine(name, 60));
    expect(mail.subject).toBe(letter({ brand: { name } }).subject);
  });

  test("a line end in a name begins no header, and no line is too long", async () => {
    const text = mimeMessage(letter({ brand: { name: INJECTION } }), "no-reply@sign.example", new Date(NOW));
    expect(text).not.toMatch(/^bcc:/im);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    for (const line of text.split("\r\n")) expect(line.length).toBeLessThanOrEqual(998);
    expect((await PostalMime.parse(text)).bcc).toBeUndefined();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: seven bits and nothing else
    expect(text).toMatch(/^[\x00-\x7f]*$/);
    expect(text).not.toMatch(/^\./m);
  });

  test("an encoded word is at most 75 characters long and breaks between characters", () => {
    for (const line of headerText("é👍".repeat(40)).split("\r\n ")) {
      expect(line.length).toBeLessThanOrEqual(75);
      const [, word = ""] = /^=\?UTF-8\?B\?(.*)\?=$/.exec(line) ?? [];
      expect(Buffer.from(word, "base64").toString("utf8")).toMatch(/^(?:é|👍)+$/u);
    }
  });
});
