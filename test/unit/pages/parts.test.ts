import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countingForm } from "../../../src/core/code/counting-form.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";
import { settingsSchema } from "../../../src/doors/admin/settings-schema.ts";
import { limitGuesses, limitSends } from "../../../src/hosted/limits.ts";
import { pageDoors } from "../../../src/hosted/routes.ts";
import { brandStyle, contrast } from "../../../src/pages/verify/brand.ts";
import { deviceName } from "../../../src/pages/verify/device.ts";
import { verifyPolicy } from "../../../src/pages/verify/respond.ts";
import { localeOf, verifyWords } from "../../../src/pages/verify/words.ts";
import { phones } from "../../../src/phones/read-phone.ts";

const form = (text: string) => {
  const identifier = readIdentifier(text);
  if (!identifier) throw new Error(`no identifier: ${text}`);
  return countingForm(identifier);
};

describe("the form that is counted", () => {
  test.each([
    "anna.lee@example.com",
    "ANNA.LEE@Example.COM",
    "annalee@example.com",
    "a.n.n.a.lee+shop@example.com",
    "annalee+a+b@example.com.",
    "аnnаlее@example.com",
    "ａｎｎａｌｅｅ@example.com",
    "ánnalée@example.com",
    '"anna.lee"@example.com',
    "anna\u200blee@example.com",
  ])("T62 %s is counted as one", (text) => {
    expect(form(text)).toBe("annalee@example.com");
  });

  test("T62 other users are counted apart", () => {
    const forms = ["annalee@example.com", "annale@example.com", "annalee@example.org", "annalee"].map(form);
    expect(new Set(forms).size).toBe(4);
    expect(form("+tag@example.com")).toBe("+tag@example.com");
  });

  test("T62 a number is counted as one, however it is written", () => {
    for (const text of ["+49 151 12345678", "+49 0151 12345678", "+49 (0)151-12345678", "+49.151.12345678"]) {
      expect(phones.read(text)?.e164).toBe("+4915112345678");
    }
    expect(phones.read("0151 12345678", "DE")?.e164).toBe("+4915112345678");
    expect(phones.read("0151 12345678", "XX")).toBeUndefined();
    for (const text of [
      "",
      "12",
      "call +4915112345678 now",
      "+4915112345678 ext. 5",
      `+49${"1".repeat(40)}`,
    ]) {
      expect(phones.read(text, "DE")).toBeUndefined();
    }
  });
});

describe("limiters", () => {
  type Limit = "send" | "guess" | "none";
  const routes = pageDoors().flatMap(({ prefix, routes }) =>
    routes.routes.map(({ method, path, handler }) => ({
      at: `${method} ${prefix}${path === "/" ? "" : path}`,
      handler,
    })),
  );
  const limitOf = (at: string): Limit => {
    const handlers = routes.filter((route) => route.at === at).map(({ handler }) => handler);
    if (handlers.includes(limitSends)) return "send";
    return handlers.includes(limitGuesses) ? "guess" : "none";
  };

  test("T61 a limiter stands before every route that sends and before every route that takes a code", () => {
    const table = Object.fromEntries(
      [...new Set(routes.map(({ at }) => at))]
        .filter((at) => !at.startsWith("ALL"))
        .map((at) => [at, limitOf(at)]),
    );
    expect(table).toEqual({
      "GET /app": "send",
      "POST /app": "send",
      "GET /app/check/:id": "none",
      "POST /app/check/:id": "guess",
      "GET /app/check/:id/done": "none",
      "POST /app/check/:id/again": "send",
      "GET /app/link/:id": "none",
      // A link's secret is 256 bits: nobody guesses it, and a neighbour's misses must not stop its reader.
      "POST /app/link/:id": "none",
      // The same of the letter about a lost device.
      "GET /app/recovery/:id": "none",
      "POST /app/recovery/:id": "none",
      ...Object.fromEntries(
        ["/signup", "/login"].flatMap((prefix) => [
          [`GET ${prefix}`, "none"],
          [`POST ${prefix}/start`, "send"],
          [`POST ${prefix}/check`, "guess"],
          [`POST ${prefix}/again`, "send"],
          [`POST ${prefix}/finish`, "none"],
          [`POST ${prefix}/sent`, "none"],
        ]),
      ),
    });
  });
});

describe("the client's colour", () => {
  const channel = (text: string): readonly [number, number, number] => {
    const [, r = "", g = "", b = ""] = /^#(..)(..)(..)$/.exec(text) ?? [];
    return [Number.parseInt(r, 16), Number.parseInt(g, 16), Number.parseInt(b, 16)];
  };

  test("text on it and in it keeps 4.5 : 1 in both schemes, whatever it is", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte), (own) => {
        const colour = `#${own.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
        const [light = "", dark = ""] = brandStyle({ name: "x", colour }).split("@media");
        for (const [rules, ground] of [
          [light, [255, 255, 255]],
          [dark, [27, 30, 36]],
        ] as const) {
          const accent = channel(/--accent:(#[0-9a-f]{6})/.exec(rules)?.[1] ?? "");
          const ink = channel(/--on-accent:(#[0-9a-f]{6})/.exec(rules)?.[1] ?? "");
          expect(contrast(accent, ground)).toBeGreaterThanOrEqual(4.5);
          expect(contrast(accent, ink)).toBeGreaterThanOrEqual(4.5);
        }
      }),
    );
  });

  test("without a colour, or with what is none, nothing is said", () => {
    expect(brandStyle({ name: "x" })).toBe("");
    for (const colour of ["red", "#12345", "#1234567", "#12345g", "#fff;}body{x:y"]) {
      expect(brandStyle({ name: "x", colour })).toBe("");
    }
  });
});

describe("the policy of a verification page", () => {
  const policy = { nonce: "n0nce", issuer: "https://sign.example" };

  test.each([
    [undefined, "form-action 'self'"],
    ["myapp://auth_callback", "form-action 'self' myapp:"],
    ["com.example.app:path", "form-action 'self' com.example.app:"],
    ["https://shop.example/cb?x=1", "form-action 'self' https://shop.example"],
    ["http://127.0.0.1:5123/cb", "form-action 'self' http://127.0.0.1:5123"],
    ["http://[::1]:5123/cb", "form-action 'self' http:"],
  ])("T93 leads to %s and nowhere else", async (redirectUrl, rule) => {
    const text = await verifyPolicy({ ...policy, ...(redirectUrl === undefined ? {} : { redirectUrl }) });
    expect(text.split("; ")).toContain(rule);
  });

  test("T93 names everything that a page may do", async () => {
    expect((await verifyPolicy(policy)).replace(/sha256-[^']+/, "sha256-x")).toBe(
      "default-src 'none'; style-src 'sha256-x' 'nonce-n0nce'; script-src 'nonce-n0nce'; img-src 'self'; " +
        "connect-src 'self' wss://sign.example; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    const framed = await verifyPolicy({
      ...policy,
      ancestor: "https://shop.example",
      logo: "https://cdn.example/a.svg?x",
    });
    expect(framed).toContain("frame-ancestors https://shop.example");
    expect(framed).toContain("img-src 'self' https://cdn.example;");
  });
});

describe("devices by a name that users know", () => {
  test.each([
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
      "Safari, iPhone",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
      "Edge, Windows",
    ],
    [
      "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
      "Chrome, Android",
    ],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Mac"],
    ["curl/8.5.0", undefined],
    ["<script>Firefox/1 Windows</script>", "Firefox, Windows"],
    [undefined, undefined],
  ])("%s", (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name);
  });
});

describe("how a client is shown", () => {
  test.each([
    { brand: { name: "Shop", colour: "#A1b2C3", logo: "https://cdn.example/a.svg" } },
    { brand: {} },
    { verify_seconds: 1, code_sends_per_hour: 0 },
    { verify_seconds: 3_600, code_sends_per_hour: 100_000 },
  ])("%j is taken", (settings) => {
    expect(settingsSchema.safeParse(settings).data).toEqual(settings);
  });

  test.each([
    { brand: { name: "" } },
    { brand: { name: "x".repeat(81) } },
    { brand: { name: "Shop\u202egnp" } },
    { brand: { name: "Shop\nBcc: x@example.com" } },
    { brand: { colour: "red" } },
    { brand: { colour: "#fff" } },
    { brand: { colour: "#ffffff;}" } },
    { brand: { logo: "http://cdn.example/a.svg" } },
    { brand: { logo: "data:image/svg+xml,x" } },
    { brand: { logo: "https://u:p@cdn.example/a.svg" } },
    { brand: { font: "x" } },
    { verify_seconds: 0 },
    { verify_seconds: 3_601 },
    { code_sends_per_hour: -1 },
  ])("%j is refused", (settings) => {
    expect(settingsSchema.safeParse(settings).success).toBe(false);
  });
});

describe("languages", () => {
  test.each([
    [undefined, "en"],
    ["de-DE,de;q=0.9", "en"],
    ["de, en-GB;q=0.5", "en"],
    ["*", "en"],
    ["en;q=0", "en"],
    ["constructor", "en"],
  ])("%s is answered in %s", (header, locale) => {
    expect(localeOf(header)).toBe(locale);
  });

  test("an unknown language has English words", () => {
    expect(verifyWords("tlh-Latn")).toBe(verifyWords("en-US"));
    expect(verifyWords("constructor")).toBe(verifyWords("en"));
  });
});
