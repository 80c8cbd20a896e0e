import { expect, test } from "vitest";
import { ask } from "../../support/app.ts";
import { basic, bearer, enrol, newTenant, track } from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";

const at = deployment();
const CREDENTIALS = "/client/user-authenticators";
const NAMESPACES = ["push", "qr-code", "in-app", "device"];

/** Calls that read a body; a phone's and a page's go with the action's token, a backend's with the secret. */
const writes = (user: string, key: unknown): readonly (readonly [method: string, path: string])[] => [
  ["POST", "/client/challenge/push"],
  ["POST", "/client/verify/push"],
  ["POST", "/client/challenge/qr-code"],
  ["POST", "/client/verify/qr-code"],
  ["POST", "/client/challenge"],
  ["POST", "/client/verify/in-app"],
  ["POST", "/client/verify/device"],
  ...NAMESPACES.flatMap((name) => [
    ["POST", `${CREDENTIALS}/${name}`] as const,
    ["PATCH", `${CREDENTIALS}/${name}`] as const,
    ["POST", `${CREDENTIALS}/${name}/remove`] as const,
  ]),
  ["POST", `${CREDENTIALS}/push/challenge`],
  ["POST", `${CREDENTIALS}/qr-code/challenge`],
  ["POST", `${CREDENTIALS}/qr-code/challenge/claim`],
  ["POST", `${CREDENTIALS}/device/challenge/claim`],
  ["POST", "/validate"],
  ["POST", "/challenge"],
  ["POST", "/verify"],
  ["POST", "/claim"],
  ["POST", `/users/${user}/authenticators`],
  ["PATCH", `/users/${user}`],
  ["POST", `/users/${user}/actions/signIn`],
  ["PATCH", `/users/${user}/actions/signIn/${key}`],
];

const reads = (user: string): readonly (readonly [method: string, path: string])[] => [
  ["GET", `${CREDENTIALS}/push`],
  ["GET", `${CREDENTIALS}/push/challenge`],
  ["POST", `${CREDENTIALS}/push/challenge/sign`],
  ["POST", `${CREDENTIALS}/device/sign`],
  ["GET", `/users/${user}/actions`],
];

const JSON_TYPE = "application/json";
const bytes = (...values: number[]) => new Uint8Array(values);
const text = (body: string) => new TextEncoder().encode(body);

const SPOILED: Readonly<Record<string, readonly [type: string, body: Uint8Array]>> = {
  "no UTF-8": [JSON_TYPE, bytes(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d)],
  "a string that is no UTF-8": [JSON_TYPE, bytes(0x22, 0xc3, 0x28, 0x22)],
  "half of it": [JSON_TYPE, text('{"challengeId":"')],
  "no JSON": [JSON_TYPE, text("challengeId=1")],
  "a list": [JSON_TYPE, text("[]")],
  "another type": ["text/plain", text("{}")],
  "a form": ["application/x-www-form-urlencoded", text("challengeId=1&publicKey=2")],
  "more than a megabyte": [JSON_TYPE, text(`{"custom":{"a":"${"x".repeat(1_100_000)}"}}`)],
  "a nest": [JSON_TYPE, text("[".repeat(20_000))],
};

const REFUSAL = {
  error: expect.any(String),
  errorCode: expect.any(String),
  errorDescription: expect.any(String),
};

async function refused(response: Response, what: string): Promise<void> {
  const body = await response.json();
  expect([response.status >= 400, response.status < 500], `${what}: ${response.status}`).toEqual([
    true,
    true,
  ]);
  expect(body, what).toEqual(REFUSAL);
  expect(response.headers.get("Content-Type"), what).toBe(JSON_TYPE);
}

async function scene() {
  const tenant = await newTenant(at, { starts_per_minute: 0 });
  const user = fresh("u");
  await enrol(at, tenant, user);
  const { body } = await track(at, tenant, user, "signIn", { scope: "add:authenticators" });
  const headersOf = (path: string) =>
    path.startsWith("/client") ? bearer(body.token) : basic(tenant.secret);
  return { tenant, user, key: body.idempotencyKey, headersOf };
}

test.each(Object.entries(SPOILED))(
  "T107 a body of %s is 4xx in this door's words on every call that reads one",
  async (name, [type, body]) => {
    const { user, key, headersOf } = await scene();
    for (const [method, path] of writes(user, key)) {
      const headers = { ...headersOf(path), "Content-Type": type };
      await refused(await ask(`/v1${path}`, { method, headers, body }), `${name}: ${method} ${path}`);
    }
  },
);

test("T107 custom data may be 32 levels deep and no deeper, however deep it is", async () => {
  const { user, headersOf } = await scene();
  const nest = (levels: number) => ({ a: JSON.parse("[".repeat(levels) + "]".repeat(levels)) });
  for (const [method, path, more] of [
    ["PATCH", `/users/${user}`, {}],
    ["POST", `/users/${user}/actions/signIn`, {}],
    ["POST", "/challenge", { verificationMethod: "EMAIL_OTP", action: "look", email: "jo@example.com" }],
    ["POST", "/client/challenge/qr-code", { action: "signIn" }],
  ] as const) {
    const send = (custom: unknown) =>
      ask(`/v1${path}`, {
        method,
        headers: { ...headersOf(path), "Content-Type": JSON_TYPE },
        body: JSON.stringify({ ...more, custom }),
      });
    expect((await send(nest(31))).status, path).toBe(200);
    for (const levels of [33, 3_000, 8_000]) {
      await refused(await send(nest(levels)), `${path}: ${levels}`);
    }
    for (const custom of [[7], "text", 7]) await refused(await send(custom), `${path}: ${typeof custom}`);
  }
});

test("T107 a parameter that comes twice, and one that is no text, are 4xx on every call that reads one", async () => {
  const { tenant, user, headersOf } = await scene();
  for (const [method, path] of reads(user)) {
    const headers = path.startsWith("/client") ? basic(tenant.id) : headersOf(path);
    for (const query of [
      "publicKey=a&publicKey=b",
      "state=A&state=B",
      "publicKey=%ff%fe&state=%ff&fromDate=%c3%28",
    ]) {
      await refused(await ask(`/v1${path}?${query}`, { method, headers }), `${method} ${path}?${query}`);
    }
  }
});

test("T107 paths of bytes that are no text, and methods that a path does not take, are 4xx", async () => {
  const { tenant } = await scene();
  const headers = basic(tenant.secret);
  for (const path of [
    "/users/%ff%fe",
    "/users/%00/actions",
    "/users/a/actions/%ff/%ff",
    "/users/%",
    "/%ff",
  ]) {
    const response = await ask(`/v1${path}`, { headers });
    expect([response.status >= 200, response.status < 500], `${path}: ${response.status}`).toEqual([
      true,
      true,
    ]);
  }
  for (const [method, path] of [
    ["DELETE", "/validate"],
    ["GET", "/client/verify/push"],
    ["PUT", "/users/a"],
  ] as const) {
    await refused(await ask(`/v1${path}`, { method, headers }), `${method} ${path}`);
  }
});
