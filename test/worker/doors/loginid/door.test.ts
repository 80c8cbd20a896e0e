import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { ask } from "../../support/app.ts";
import { deployment, fresh, type Json } from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import { codes, generated, newAda, newBackend, newWeb, tokenOf, waitOn } from "../../support/loginid.ts";

const at = deployment();
const raw = (path: string, init: RequestInit = {}) => ask(path, { method: "POST", ...init });
const JSON_TYPE = { "Content-Type": "application/json" };
const ROUTES = [
  "/authenticate/code/wait",
  "/codes/short/generate",
  "/codes/long/authorize",
  "/codes/phrase/invalidate-all",
  "/manage/users/retrieve",
  "/manage/users",
  "/manage/users/delete",
  "/credentials/list",
  "/credentials/rename",
  "/credentials/revoke",
  "/credentials/fido2/init/code",
  "/credentials/fido2/init/force",
  "/credentials/fido2/complete",
  "/codes/short/generate/fido2/init",
  "/codes/short/generate/fido2/complete",
];

describe("T107 whatever is sent is answered 4xx, as {code, message}", () => {
  const bodies: readonly [string, RequestInit, string | undefined][] = [
    ["no body", { headers: JSON_TYPE }, "missing_body"],
    ["no JSON", { headers: JSON_TYPE, body: "{" }, "bad_request"],
    ["bad UTF-8", { headers: JSON_TYPE, body: new Uint8Array([0x7b, 0xff, 0x7d]) }, "bad_request"],
    ["another content type", { headers: { "Content-Type": "text/plain" }, body: "{}" }, "bad_request"],
    ["a megabyte", { headers: JSON_TYPE, body: JSON.stringify({ a: "x".repeat(1_000_000) }) }, "bad_request"],
    ["an empty object", { headers: JSON_TYPE, body: "{}" }, undefined],
    ["null", { headers: JSON_TYPE, body: "null" }, undefined],
    ["a list", { headers: JSON_TYPE, body: "[[]]" }, undefined],
    ["wrong types", { headers: JSON_TYPE, body: '{"client_id":7,"username":[],"user_id":{}}' }, undefined],
    ["nested deep", { headers: JSON_TYPE, body: `${"[".repeat(5_000)}${"]".repeat(5_000)}` }, undefined],
    ["__proto__", { headers: JSON_TYPE, body: '{"__proto__":{"client_id":"x"},"constructor":1}' }, undefined],
  ];
  for (const path of ROUTES) {
    test.each(bodies)(`T107 ${path}: %s`, async (_name, init, code) => {
      for (const base of ["", "/api/native"]) {
        const answer = await raw(`${base}${path}`, init);
        const body = (await answer.json()) as Json;
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(Object.keys(body)).toEqual(["code", "message"]);
        if (code !== undefined) expect(body.code).toBe(code);
      }
    });
  }

  test.each<[string, Json, number, string]>([
    ["a missing purpose", { purpose: undefined }, 400, "missing_parameter"],
    ["an unknown purpose", { purpose: "other" }, 400, "request_validation_error"],
    ["no person", { user_id: undefined }, 400, "missing_parameter"],
    ["a person who is no id", { user_id: "ada" }, 404, "user_not_found"],
    ["null for absent", { username: null, authorize: null }, 200, ""],
    ["members nobody knows", { extra: { a: 1 } }, 200, ""],
  ])("generate with %s", async (_name, body, status, code) => {
    const backend = await newBackend(at);
    const answer = await codes(at, backend, "generate", await newAda(at), { body });
    expect(answer.status).toBe(status);
    if (code !== "") expect(answer.body.code).toBe(code);
  });

  test("a code type that there is not", async () => {
    const answer = await codes(at, await newBackend(at), "generate", await newAda(at), { type: "wide" });
    expect(answer).toMatchObject({ status: 400, body: { code: "bad_request" } });
  });

  test("an unknown client at the wait is said to be unknown", async () => {
    const answer = await waitOn(at, { id: "nobody" }, { username: "x" }, "000000");
    expect(answer).toMatchObject({ status: 404, body: { code: "client_not_found" } });
  });
});

describe("two mounts and their neighbours", () => {
  test.each([
    "/register/fido2/init",
    "/register/password",
    "/authenticate/fido2/init",
    "/authenticate/password",
    "/tx",
    "/api/tx/init",
    "/push_authentication/init",
    "/add_authenticator/complete",
    "/credentials/recovery-code",
    "/credentials/publickey",
  ])("%s is closed at both", async (path) => {
    for (const base of ["", "/api/native", "/api/native/", "/"]) {
      const answer = await raw(`${base}${path}`, { headers: JSON_TYPE, body: "{}" });
      expect([answer.status, ((await answer.json()) as Json).code]).toEqual([404, "endpoint_deprecated"]);
    }
  });

  test("what is not there is {code, message} under the door and a page or a problem elsewhere", async () => {
    expect((await (await ask("/api/native/nothing")).json()) as Json).toEqual({
      code: "not_found",
      message: "Not found",
    });
    expect((await (await ask("/codes/short")).json()) as Json).toMatchObject({ code: "not_found" });
    expect((await ask("/nothing")).headers.get("Content-Type")).toContain("application/problem+json");
    const method = await ask("/codes/short/generate");
    expect([method.status, method.headers.get("Allow")]).toEqual([405, "POST"]);
    expect((await method.json()) as Json).toMatchObject({ code: "bad_request" });
  });

  test("the root's other routes stay what they are, and only this door forgives slashes", async () => {
    expect((await ask("/healthz")).status).toBe(200);
    expect((await ask("/")).status).toBe(200);
    expect((await ask("//healthz")).status).toBe(404);
    expect(
      (await ask("/admin//clients", { headers: { Authorization: "Bearer dev-admin-token" } })).status,
    ).toBe(404);
    expect((await ask("//certs")).status).toBe(200);
    expect((await ask("/api/native///certs")).status).toBe(200);
  });

  test("a request id comes back, when it is one", async () => {
    const id = crypto.randomUUID();
    expect((await ask("/certs", { headers: { "Request-ID": id } })).headers.get("Request-ID")).toBe(id);
    expect((await ask("/certs", { headers: { "Request-ID": "<x>" } })).headers.get("Request-ID")).toBeNull();
  });
});

describe("/certs", () => {
  test("PEM of a standard key by its kid, the current one without, whatever else comes along", async () => {
    const kid = await at.services.keyring.ready("standard");
    const answer = await ask(`/api/native/certs?kid=${kid}`, { headers: { Authorization: "Bearer leaked" } });
    expect(answer.headers.get("Content-Type")).toMatch(/^text\/plain/);
    const pem = await answer.text();
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n$/);
    expect(await (await ask("/certs")).text()).toBe(pem);
  });

  test.each(["undefined", "", "x", "SPACE_JWT_PUBLIC:8028AAA3-EC2D-4BAA-BE7A-7C8359CCB9F9"])(
    "no key of %j",
    async (kid) => {
      await at.services.keyring.ready("cotter");
      const answer = await ask(`/certs?kid=${kid}`);
      expect([answer.status, ((await answer.json()) as Json).code]).toEqual([404, "not_found"]);
    },
  );
});

describe("T49 T92 pages of other origins", () => {
  test("a page may wait only where its client lists it, and reads refusals too", async () => {
    const web = await newBackend(at, { kind: "public", allowedOrigins: ["https://shop.example"] });
    const who = { username: fresh("x") };
    const own = await waitOn(at, web, who, "000000", {}, { Origin: "https://shop.example" });
    expect([own.status, own.headers.get("Access-Control-Allow-Origin")]).toEqual([
      404,
      "https://shop.example",
    ]);
    expect(own.headers.get("Cache-Control")).toBe("no-store");
    expect(own.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    const foreign = await waitOn(at, web, who, "000000", {}, { Origin: "https://evil.example" });
    expect([foreign.status, foreign.body.code]).toEqual([403, "operation_not_allowed"]);
    expect(foreign.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  test("a foreign page wakes no object", async () => {
    const counter = counting(env);
    const counted = deployment(counter.bindings);
    const web = await newBackend(at, { kind: "public" });
    counter.take();
    await waitOn(counted, web, await newAda(at), "000000", {}, { Origin: "https://evil.example" });
    expect(counter.take().objects).toEqual({});
  });

  test("a preflight of the wait passes and names its headers; the backend's calls have none", async () => {
    const headers = { Origin: "https://shop.example", "Access-Control-Request-Method": "POST" };
    const wait = await ask("/authenticate/code/wait", { method: "OPTIONS", headers });
    expect(wait.status).toBe(204);
    expect(wait.headers.get("Access-Control-Allow-Headers")).toContain("X-Client-ID");
    const generate = await ask("/codes/short/generate", { method: "OPTIONS", headers });
    expect(generate.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });
});

describe("what a step costs", () => {
  const counter = counting(env);
  const counted = deployment(counter.bindings);
  const costOf = async (step: () => Promise<unknown>) => {
    counter.take();
    await step();
    const { d1RowsRead: _, waits: __, ...cost } = counter.take();
    return cost;
  };
  beforeAll(async () => void (await counted.services.keyring.ready("standard")));

  test("generate and authorize: the user read, then one batch with the nonce in it; a wait writes none", async () => {
    const backend = await newBackend(counted);
    const web = await newWeb(counted, backend, { settings: { wait_seconds: 1 } });
    const ada = await newAda(counted);
    await generated(counted, backend, ada);
    await waitOn(counted, web, ada, "x", { no_wait: true });
    let code = "";
    const made = await costOf(async () => {
      code = await generated(counted, backend, ada);
    });
    expect(made).toMatchObject({
      d1Calls: 2,
      d1Batches: 1,
      objects: { "inbox.countStart": 1, "challenge.open": 1, "inbox.list": 1 },
      queue: 0,
    });
    const timedOut = await costOf(() => waitOn(counted, web, ada, code));
    // The name, then the code with its user and their devices, so that the result reads nothing once the code is authorised.
    expect(timedOut).toMatchObject({
      d1Calls: 2,
      d1RowsWritten: 0,
      objects: {
        "inbox.takeGuess": 1,
        "inbox.returnGuess": 1,
        "challenge.collect": 1,
        "challenge.fetch": 1,
      },
    });
    const approved = await costOf(() => codes(counted, backend, "authorize", ada, { body: { code } }));
    expect(approved).toMatchObject({
      d1Calls: 2,
      d1Batches: 1,
      d1RowsWritten: 2,
      objects: {
        "inbox.takeGuess": 1,
        "inbox.returnGuess": 1,
        "inbox.settle": 1,
        "challenge.apply": 1,
      },
      queue: 0,
    });
  });
});

test("a token-carrying GET with no body is read as it comes", async () => {
  const backend = await newBackend(at);
  const ada = await newAda(at);
  const answer = await ask(`/credentials?user_id=${ada.id}`, {
    headers: {
      Authorization: `Bearer ${await tokenOf(backend, "credentials.list")}`,
      "Content-Type": "application/x-www-form-urlencoded",
    },
  });
  expect((await answer.json()) as Json).toEqual({ user_id: ada.id, credentials: [] });
});
