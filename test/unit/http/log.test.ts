import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeLog } from "../../../src/http/log.ts";
import { scrubText } from "../../../src/http/scrub.ts";

type Line = { readonly level: string; readonly line: string };

function written(write: (log: ReturnType<typeof makeLog>) => void): readonly Line[] {
  const lines: Line[] = [];
  const into = (level: string) => (line: string) => lines.push({ level, line });
  write(makeLog({ now: () => 0 }, { info: into("info"), warn: into("warn"), error: into("error") }));
  return lines;
}
const only = (lines: readonly Line[]) => JSON.parse(lines[0]?.line ?? "") as Record<string, unknown>;

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const base64url = (length: number) => bytes(length).map((raw) => Buffer.from(raw).toString("base64url"));
const base64 = (length: number) => bytes(length).map((raw) => Buffer.from(raw).toString("base64"));
const hex = (length: number) => bytes(length).map((raw) => Buffer.from(raw).toString("hex"));

const json = fc.record({ sub: fc.uuid(), iat: fc.nat() }).map((claims) => JSON.stringify(claims));
const jwt = fc
  .tuple(json, base64url(64))
  .map(([claims, signature]) =>
    [
      Buffer.from('{"alg":"ES256"}').toString("base64url"),
      Buffer.from(claims).toString("base64url"),
      signature,
    ].join("."),
  );
const handle = fc.tuple(hex(32), base64url(32)).map(([id, mac]) => `${id}.${mac}`);
/** A handle with its generation in base 36. */
const refreshToken = fc
  .tuple(handle, fc.integer({ min: 1 }))
  .map(([text, generation]) => text + generation.toString(36));

/** Recognised by shape, whatever the field or the sentence around it. */
const shaped = fc.oneof(
  jwt,
  handle,
  refreshToken,
  base64url(32),
  base64url(96),
  base64(64).filter((text) => !text.slice(0, 40).includes("/")),
  base64(32).map((text) => `Basic ${text}`),
  fc.uuid().map((token) => `Bearer ${token}`),
  base64(90).map((body) => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`),
);
const shown = fc.constantFrom("detail", "route", "cause", "kind", "path", "reason");
/** Hidden by name, whatever its shape. */
const secretName = fc.constantFrom(
  ..."authorization Authorization cookie set-cookie accessToken refresh_token client_secret code user_code".split(
    " ",
  ),
  ..."codeVerifier deviceCode handle signature public_key privateKey API_SECRET_KEY password passwordHash PEPPER otp".split(
    " ",
  ),
);
const plainSecret = fc.oneof(fc.stringMatching(/^[0-9]{6}$/), fc.stringMatching(/^[b-df-hj-np-tv-z]{8,20}$/));
const around = fc.constantFrom("", "the value ", "failed: ", '{"a":"', "(");

/** The parts of a secret that must not survive: a scheme's name may. */
const bare = (secret: string) => secret.replace(/^(?:Bearer|Basic) /, "");
const pieces = (secret: string) =>
  bare(secret)
    .split(".")
    .filter((part) => !/^[0-9a-f]{64}$/.test(part));

describe("the log", () => {
  test("T104 property: nothing is left of a refresh token, its generation neither", () => {
    fc.assert(
      fc.property(refreshToken, (token) => {
        expect(scrubText(`with ${token}.`)).toBe("with [hidden].");
      }),
    );
  });

  test("T104 property: a secret of a known shape reaches no line, as field, in text, in depth or in an error", () => {
    fc.assert(
      fc.property(shaped, shown, around, (secret, name, before) => {
        const text = `${before}${secret}`;
        const lines = written((log) => {
          log("info", text);
          log("warn", "field", { [name]: text });
          log("error", "deep", { list: [{ [name]: [text] }], [text]: true });
          log("error", "thrown", { error: new Error(text, { cause: new Error(text) }) });
        });
        expect(lines).toHaveLength(4);
        for (const piece of pieces(secret)) {
          const told = JSON.stringify(piece).slice(1, -1);
          for (const { line } of lines) expect(line).not.toContain(told);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("T104 property: a field with a secret's name reaches no line, at any depth", () => {
    fc.assert(
      fc.property(plainSecret, secretName, (secret, name) => {
        const [first, second] = written((log) => {
          log("info", "flat", { [name]: secret });
          log("info", "deep", { request: { headers: [{ [name]: { value: secret } }] } });
        });
        expect(first?.line).not.toContain(secret);
        expect(second?.line).not.toContain(secret);
      }),
      { numRuns: 300 },
    );
  });

  test("is one JSON line with time, level, message and what may be known", () => {
    const id = "ab".repeat(32);
    const uuid = "0f9b1c9e-7a43-4b1e-9a53-6f2f4a0d9c11";
    const lines = written((log) =>
      log("warn", "outage", { challengeId: id, requestId: uuid, attempts: 2, ok: true }),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]?.level).toBe("warn");
    expect(only(lines)).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      level: "warn",
      message: "outage",
      challengeId: id,
      requestId: uuid,
      attempts: 2,
      ok: true,
    });
  });

  test("a field cannot pose as level, time or message", () => {
    const lines = written((log) => log("error", "true", { level: "info", message: "false", at: "never" }));
    expect(only(lines)).toMatchObject({ level: "error", message: "true", at: "1970-01-01T00:00:00.000Z" });
  });

  test("keeps an error's name, words and cause", () => {
    const error = new TypeError("no such column", { cause: new RangeError("below") });
    expect(only(written((log) => log("error", "fault", { error })))).toMatchObject({
      error: {
        name: "TypeError",
        message: "no such column",
        cause: { name: "RangeError", message: "below" },
      },
    });
  });

  test("takes what JSON cannot: circles, big integers, functions", () => {
    const circle: Record<string, unknown> = { big: 1n, call: () => 1, none: undefined };
    circle.self = circle;
    expect(written((log) => log("info", "odd", { circle }))).toHaveLength(1);
  });

  test("leaves plain text alone", () => {
    expect(scrubText("D1_ERROR: no such table: users at line 12")).toBe(
      "D1_ERROR: no such table: users at line 12",
    );
  });
});

test("T104 the platform's own log of calls is off: it keeps URLs, and a Cotter event number in one is a waiter's handle", () => {
  const toml = readFileSync(resolve(import.meta.dirname, "../../../wrangler.toml"), "utf8");
  expect(toml).toMatch(/^\[observability\.logs\]\nenabled = true\ninvocation_logs = false$/m);
});
