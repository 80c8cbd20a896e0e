import { describe, expect, test } from "vitest";
import { asked, refusal, refusalsOf, site } from "../../support/approver.ts";
import { newPhoneOwner, type Phone } from "../../support/phone.ts";

const at = site();
const ID = "0".repeat(64);
const DEVICE = "8b7a9c54-0000-4000-8000-000000000000";

/** Calls with a body: those that anybody may make, and those of a device. */
const OPEN = ["/sessions/begin", "/sessions", "/enrolments/begin", "/enrolments"] as const;
const OWN: readonly (readonly [string, string])[] = [
  ["POST", `/prompts/${ID}/decision`],
  ["POST", "/scans"],
  ["PATCH", `/devices/${DEVICE}`],
  ["POST", `/devices/${DEVICE}/removal`],
  ["POST", "/tickets"],
  ["POST", "/recovery-codes"],
];
const ROUTES: readonly (readonly [string, string])[] = [
  ...OPEN.map((path) => ["POST", path] as const),
  ...OWN,
];

type Sent = { readonly body: BodyInit; readonly type?: string };
const bodies: readonly (readonly [string, Sent])[] = [
  ["no content type", { body: "{}", type: "" }],
  ["a form", { body: "a=b", type: "application/x-www-form-urlencoded" }],
  ["text", { body: "{}", type: "text/plain" }],
  ["nothing", { body: "" }],
  ["no JSON", { body: "{" }],
  ["1 MB", { body: `{"a":"${"x".repeat(1024 * 1024)}"}` }],
  ["bad UTF-8", { body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d) }],
  ["null", { body: "null" }],
  ["a number", { body: "5" }],
  ["a list", { body: "[]" }],
  ["an empty object", { body: "{}" }],
  ["deep nests", { body: `${"[".repeat(10_000)}${"]".repeat(10_000)}` }],
];

async function send(method: string, path: string, { body, type = "application/json" }: Sent, phone?: Phone) {
  const own = phone ? await phone.headers(method, path) : {};
  const answer = await at.ask(`/approver${path}`, {
    method,
    headers: { ...own, ...(type === "" ? {} : { "Content-Type": type }) },
    body,
  });
  return { status: answer.status, body: JSON.parse(await answer.text()), headers: answer.headers };
}

describe.each(ROUTES)("T107 %s %s", (method, path) => {
  test.each(bodies)("with %s is refused in this door's shape", async (_, sent) => {
    const { phone } = await newPhoneOwner(at, "key");
    const answer = await send(method, path, sent, phone);
    expect(answer).toMatchObject(refusal(400, "malformed"));
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.headers.get("Cache-Control")).toContain("no-store");
  });
});

/** Values that no member takes. */
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  1e300,
  "",
  "\u0000",
  "😀",
  "\ud800",
  "a".repeat(40_000),
  [],
  {},
  [[]],
];
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  "/sessions/begin": ["jkt"],
  "/sessions": ["passkey", "device_id"],
  "/enrolments/begin": ["ticket", "recovery_code"],
  "/enrolments": ["enrolment", "name", "passkey"],
  [`/prompts/${ID}/decision`]: ["decision", "match_code", "scan", "not_me", "page", "passkey", "signature"],
  "/scans": ["user_code", "challenge_id", "frame"],
  [`/devices/${DEVICE}`]: ["name"],
  [`/devices/${DEVICE}/removal`]: ["at", "passkey", "signature"],
  "/tickets": ["at", "passkey", "signature"],
  "/recovery-codes": ["at", "passkey", "signature"],
};
const RIGHT: Readonly<Record<string, unknown>> = {
  jkt: "a".repeat(43),
  device_id: DEVICE,
  ticket: "x.y",
  enrolment: "x.y",
  decision: "deny",
  user_code: "BBBB-BBBB",
  name: "Phone",
  at: 1,
};

describe("T107 whatever stands in a member", () => {
  test.each(ROUTES)("%s %s is never a fault", async (method, path) => {
    const { phone } = await newPhoneOwner(at, "key");
    const members = MEMBERS[path] ?? [];
    const base = Object.fromEntries(members.flatMap((name) => (name in RIGHT ? [[name, RIGHT[name]]] : [])));
    for (const name of members) {
      for (const value of ODD) {
        const body = JSON.stringify({ ...base, [name]: value });
        const answer = await send(method, path, { body }, phone);
        expect([name, value, answer.status]).toEqual([name, value, expect.any(Number)]);
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.body.code).toMatch(/^[a-z_]+$/);
      }
    }
  });

  test("of a path is never a fault", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const ids = ["x", "%00", "%F0%9F%98%80", "..", "a".repeat(2_000), "'; drop table devices; --", ID];
    for (const id of ids) {
      const path = encodeURIComponent(decodeURIComponent(id));
      for (const [method, rest, body] of [
        ["POST", `/prompts/${path}/decision`, { decision: "deny" }],
        ["PATCH", `/devices/${path}`, { name: "x" }],
        ["POST", `/devices/${path}/removal`, { at: 1 }],
      ] as const) {
        const { status } = await send(method, rest, { body: JSON.stringify(body) }, phone);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }
    }
  });

  test("of the headers is never a fault", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const proof = await phone.key.proof("GET", "/approver/prompts", { token: phone.token });
    for (const [authorization, dpop] of [
      ["", ""],
      ["DPoP", proof],
      [`Bearer ${phone.token}`, proof],
      [`DPoP ${"a".repeat(8_000)}`, proof],
      ["DPoP ....", proof],
      [`DPoP ${phone.token}`, "a".repeat(8_000)],
      [`DPoP ${phone.token}`, "..."],
      [`DPoP ${phone.token}`, `${proof}, ${proof}`],
    ]) {
      const answer = await at.ask("/approver/prompts", {
        headers: { Authorization: authorization ?? "", DPoP: dpop ?? "" },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("WWW-Authenticate")).toContain("DPoP");
      expect(((await answer.json()) as { code: string }).code).toMatch(/^(bad_proof|session_over)$/);
    }
  });
});

describe("another method or path", () => {
  test.each([
    ["DELETE", "/prompts", 405],
    ["GET", "/tickets", 405],
    ["GET", "/nowhere", 404],
    ["POST", `/prompts/${ID}/approve`, 404],
  ])("T107 %s %s is %d, in problem details", async (method, path, status) => {
    const answer = await at.ask(`/approver${path}`, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  });
});

describe("T92 pages of other sites", () => {
  test("read nothing, and may ask for nothing", async () => {
    for (const [method, path] of [
      ["GET", "/config"],
      ["OPTIONS", "/prompts"],
      ["POST", "/sessions/begin"],
    ] as const) {
      const answer = await at.ask(`/approver${path}`, {
        method,
        headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "GET" },
      });
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
      await answer.text();
    }
  });
});

describe("without a session", () => {
  test("T106 nobody learns what a request, a device or a body looks like", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const { prompt } = await asked(at, id, phone);
    for (const [method, path, body] of [
      ["GET", "/prompts"],
      ["GET", "/devices"],
      ["GET", "/activity"],
      ["GET", "/recovery-codes"],
      ["POST", `/prompts/${prompt.id}/decision`, { decision: "deny" }],
      ["POST", "/scans", { user_code: "BBBB-BBBB" }],
      ["PATCH", `/devices/${phone.deviceId}`, { name: "x" }],
      ["POST", "/tickets", { at: 1 }],
    ] as const) {
      expect(await at.call(method, `/approver${path}`, body)).toMatchObject(refusal(401, "session_over"));
    }
  });
});

describe("T61 an address that asks too much", () => {
  test("T107 is told so in this door's shape, with when it may again", async () => {
    const strict = site({}, ({ limits }) => ({ limits: { ...limits, look: async () => false } }));
    for (const path of OPEN) {
      const answer = await strict.call("POST", `/approver${path}`, {});
      expect(answer).toMatchObject(refusal(429, "too_many", { until: expect.any(String) }));
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
  });
});

test("T101 while a table is out it is 503, in problem details with a time, and nothing is decided", async () => {
  const { id, phone } = await newPhoneOwner(at, "key");
  const { prompt, number } = await asked(at, id, phone);
  const signed = await phone.sign({ ...prompt.payload, decision: "approve", match_code: number });
  const out = site({}, ({ devices }) => ({
    devices: {
      ...devices,
      byId: async () => {
        const { Outage } = await import("../../../../src/core/fault.ts");
        throw new Outage("the database is out");
      },
    },
  }));
  const path = `/prompts/${prompt.id}/decision`;
  const answer = await out.call(
    "POST",
    `/approver${path}`,
    { decision: "approve", match_code: number, ...signed },
    await phone.headers("POST", path),
  );
  expect(answer.status).toBe(503);
  expect(answer.headers.get("Retry-After")).not.toBeNull();
  expect(answer.body.code).toBe("outage");
  expect(await phone.prompts()).toHaveLength(1);
  expect(refusalsOf(out, "decision_refused")).toEqual([]);
});

test.each([
  ["GET", "/nothing", 404, "unknown_address"],
  ["POST", "/nothing", 404, "unknown_address"],
  ["POST", "/config", 405, "wrong_method"],
  ["PUT", "/prompts", 405, "wrong_method"],
] as const)("T107 %s %s is %i %s", async (method, path, status, code) => {
  expect(await at.call(method, `/approver${path}`)).toMatchObject(refusal(status, code));
});
