import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { makeApp } from "../support/app.ts";
import { answerNewest, createBody, poll, prompt, respond, seconds, startSignIn } from "../support/events.ts";
import { makePerson } from "../support/people.ts";
import { place } from "../support/place.ts";
import { PINNED_KID } from "../support/tokens.ts";

const SITE = "https://shop.example";
const FOREIGN = "https://evil.example";

const anonymous = () => makeApi(place().origin);

describe("GET /token/jwks", () => {
  test("is public, and its first key is the pinned one (Cotter fact 6)", async () => {
    const { status, headers, body } = await anonymous()("GET", "/api/v0/token/jwks");
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toMatch(/max-age=\d+/);
    expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
    const keys = body.keys as Record<string, unknown>[];
    expect(keys[0]).toEqual({
      kty: "EC",
      crv: "P-256",
      alg: "ES256",
      use: "sig",
      kid: PINNED_KID,
      x: expect.stringMatching(/^[\w-]{43}$/),
      y: expect.stringMatching(/^[\w-]{43}$/),
    });
    for (const key of keys) expect(key).not.toHaveProperty("d");
  });
});

describe("the server's own statement (Cotter §6)", () => {
  test("every event's signature verifies over /keys/ed25519", async () => {
    const { body } = await anonymous()("GET", "/api/v0/keys/ed25519");
    const x = Buffer.from(String(body.public_key), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const app = await makeApp(place());
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId);
    const shown = await prompt(app, person.userId);
    const answered = await respond(app, person, shown, true);
    const collected = await poll(app, pending.number);
    const json = createBody(app, person, { timestamp: seconds(5) });
    const created = await app.cotter("POST", "/event/create", { json });
    await startSignIn(app, person.userId);
    const rejected = await answerNewest(app, person, false);
    const events = [pending.event, shown, answered.body, collected.body, created.body, rejected];
    const flags = events.map((event) => [event.new, event.approved]);
    expect(flags).toEqual([
      [true, false],
      [true, false],
      [false, true],
      [false, true],
      [false, true],
      [false, false],
    ]);
    for (const event of events) {
      const said = ["client_user_id", "issuer", "event", "timestamp", "method", "new", "approved"]
        .map((name) => String(event[name]))
        .join("");
      const signature = Buffer.from(String(event.signature), "base64");
      expect(signature).toHaveLength(64);
      expect(verify(null, Buffer.from(said), key, signature)).toBe(true);
      expect(verify(null, Buffer.from(`${said}x`), key, signature)).toBe(false);
    }
  });
});

describe("CORS (Cotter §2)", () => {
  const ASKED = "api_key_id,content-type";

  test("a page of the client reads answers with credentials, refusals too; Vary names Origin", async () => {
    const app = await makeApp(place(), { allowed_origins: [SITE] });
    for (const path of ["/user?identifier=nobody", "/user/nobody", "/event/get/1"]) {
      const { headers } = await app.cotter("GET", path, { headers: { Origin: SITE } });
      expect(headers.get("Access-Control-Allow-Origin")).toBe(SITE);
      expect(headers.get("Access-Control-Allow-Credentials")).toBe("true");
      expect(headers.get("Vary")).toMatch(/Origin/);
    }
  });

  test("a foreign page reads nothing", async () => {
    const app = await makeApp(place(), { allowed_origins: [SITE] });
    for (const Origin of [FOREIGN, "null", `${SITE}.evil.example`, `${SITE}:8443`]) {
      const { headers } = await app.cotter("GET", "/user?identifier=nobody", { headers: { Origin } });
      expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect(headers.get("Access-Control-Allow-Credentials")).toBeNull();
    }
  });

  const preflight = (path: string, Origin: string, method: string) =>
    anonymous()("OPTIONS", `/api/v0${path}`, {
      headers: {
        Origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ASKED,
      },
    });

  test("a preflight is answered with the methods and headers that the SDKs need", async () => {
    const app = await makeApp(place(), { allowed_origins: [SITE] });
    for (const [path, method] of [
      ["/user/create", "POST"],
      ["/user/methods", "PUT"],
      [`/token/${app.clientId}`, "DELETE"],
    ] as const) {
      const { status, headers } = await preflight(path, SITE, method);
      expect(status).toBeLessThan(300);
      expect(headers.get("Access-Control-Allow-Origin")).toBe(SITE);
      expect(headers.get("Access-Control-Allow-Credentials")).toBe("true");
      const methods = headers.get("Access-Control-Allow-Methods")?.split(/, ?/);
      expect(methods).toEqual(expect.arrayContaining(["GET", "POST", "PUT", "DELETE", "OPTIONS"]));
      const allowed = headers.get("Access-Control-Allow-Headers")?.toLowerCase().split(/, ?/);
      expect(allowed).toEqual(
        expect.arrayContaining(["api_key_id", "content-type", "api_secret_key", "authorization"]),
      );
    }
  });

  test("where the path names the client, a foreign page's preflight fails", async () => {
    const app = await makeApp(place(), { allowed_origins: [SITE] });
    const { headers } = await preflight(`/token/${app.clientId}`, FOREIGN, "DELETE");
    expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
  });
});

describe("what is not there", () => {
  test("another method is 405 in {msg} with Allow", async () => {
    const app = await makeApp(place());
    for (const [method, path, allow] of [
      ["DELETE", "/user/create", "POST"],
      ["GET", "/event/create", "POST"],
      ["PUT", "/event/respond/5", "POST"],
      ["POST", "/event/get/5", "GET"],
      ["POST", "/user/methods", "PUT"],
      ["POST", "/keys/ed25519", "GET"],
      ["PATCH", "/token", "POST"],
    ] as const) {
      const { status, headers, json } = await app.cotter(method, path);
      expect([path, status, json]).toEqual([path, 405, { msg: "Method is not allowed" }]);
      expect(headers.get("Allow")).toContain(allow);
    }
  });

  test("an unknown path is 404 in {msg}", async () => {
    const app = await makeApp(place());
    for (const path of ["/nothing", "/event", "/event/get", "/user/enrolled/a", "/rules/x/y"]) {
      const { status, json } = await app.cotter("GET", path);
      expect([path, status, json]).toEqual([path, 404, { msg: "Not found" }]);
    }
  });

  test("success is exactly 200 with JSON (Cotter fact 3), and no answer may be kept", async () => {
    const app = await makeApp(place());
    const person = await makePerson(app);
    const pending = await startSignIn(app, person.userId);
    await answerNewest(app, person, true);
    const { status, headers } = await poll(app, pending.number);
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(headers.get("Cache-Control")).toBe("no-store");
  });
});
