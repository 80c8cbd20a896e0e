import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { makeApp } from "../../../src/app.ts";
import { Outage } from "../../../src/core/fault.ts";
import { ok } from "../../../src/core/result.ts";
import { type AppEnv, originOf } from "../../../src/http/context.ts";
import { doorCors } from "../../../src/http/cors.ts";
import type { Door } from "../../../src/http/door.ts";
import { jsonBody } from "../../../src/http/json-body.ts";
import type { RefuseMalformed } from "../../../src/http/malformed.ts";
import { query } from "../../../src/http/query.ts";
import { notesOf } from "../../../src/http/status-routes.ts";
import { variedKey } from "../../fakes/signing-keys.ts";
import { ask, envWith, ORIGIN, servicesOf } from "../support/app.ts";
import { newContext } from "../support/contexts.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const vars = env as unknown as Readonly<Record<"PEPPER" | "HANDLE_KEY" | "KEY_ENCRYPTION_KEY", string>>;
const SHARED = ["/", "/healthz", "/.well-known/jwks.json", "/nowhere", "/api/v0/user", "/admin/keys"];

/** What the home page leads to while somebody develops. */
const DEVELOPMENT_LINKS = ["/demo", "/phone", "/console", "/docs/api", "/openapi.json"];

/** A door that says everything in `{msg}`, with whatever a route can do wrong. */
function plantedDoor(): Door {
  const refuse: RefuseMalformed = (c, { code, detail }) => c.json({ msg: code, detail }, 400);
  const routes = new Hono<AppEnv>();
  const shape = z.strictObject({
    name: z.string().max(20),
    age: z.int().optional(),
    code: z.string().regex(/^\d+$/).optional(),
  });
  routes.use(
    "/open/*",
    doorCors({
      origins: (_, origin) => origin === "https://shop.example",
      credentials: true,
      methods: ["POST"],
      headers: ["X-Key"],
    }),
  );
  routes.post("/open/body", jsonBody(shape, refuse), (c) => c.json(c.req.valid("json")));
  routes.get("/query", query(z.strictObject({ n: z.string().optional() }), refuse), (c) =>
    c.json(c.req.valid("query")),
  );
  routes.get("/origin", (c) => c.json(originOf(c)));
  routes.get("/outage", () => {
    throw new Outage("the database at 10.0.0.1 is gone", { retryAfter: 7 });
  });
  routes.get("/bug", () => {
    throw new TypeError(`cannot read Bearer ${vars.PEPPER} of undefined`);
  });
  routes.get("/exception", () => {
    throw new HTTPException(413, { message: "too much" });
  });
  return {
    prefix: "/planted",
    routes,
    renderFault: (c, status, retryAfter) => {
      if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
      return c.json({ msg: `fault ${status}` }, status);
    },
  };
}
const { renderFault: _, ...plain } = plantedDoor();
const app = makeApp([plantedDoor(), { ...plain, prefix: "/plain" }]);
const planted = (path: string, init: RequestInit = {}) =>
  app.fetch(new Request(new URL(path, ORIGIN), init), ok(servicesOf()), newContext());

const post = (body: BodyInit | null, type: string | undefined = "application/json"): RequestInit => ({
  method: "POST",
  body,
  headers: type ? { "Content-Type": type } : {},
});

describe("a deployment that is not set up", () => {
  test.each([
    ["PEPPER", undefined],
    ["KEY_ENCRYPTION_KEY", undefined],
    ["HANDLE_KEY", undefined],
    ["PEPPER", "hunter2-hunter2"],
    ["DB", undefined],
  ])("T104 %s = %j: every route is 503 and names it, never its value", async (name, value) => {
    const raw = envWith({ [name]: value });
    for (const path of SHARED) {
      const answer = await ask(path, {}, raw);
      const body = await answer.text();
      expect(answer.status, path).toBe(503);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(body).toContain(name);
      for (const secret of ["hunter2", ...Object.values(vars).filter((text) => text?.length > 20)]) {
        expect(body).not.toContain(secret);
      }
    }
  });

  test("T104 the published development values do not serve in production", async () => {
    const answer = await ask(
      "/healthz",
      {},
      envWith({ ENVIRONMENT: "production", ISSUER: "https://sign.example" }),
    );
    expect(answer.status).toBe(503);
    const { detail } = await answer.json<{ detail: string }>();
    for (const name of [
      "PEPPER",
      "HANDLE_KEY",
      "KEY_ENCRYPTION_KEY",
      "ADMIN_TOKEN",
      "DELIVERY",
      "ALLOW_PRIVATE_CALLBACKS",
    ]) {
      expect(detail).toContain(name);
    }
  });

  test("T104 without ADMIN_TOKEN the admin routes are 503 and the others serve", async () => {
    const raw = envWith({ ADMIN_TOKEN: undefined });
    for (const headers of [
      {},
      { Authorization: "Bearer dev-admin-token" },
      { Authorization: "Bearer undefined" },
    ]) {
      expect((await ask("/admin/keys", { headers }, raw)).status).toBe(503);
    }
    expect((await ask("/healthz", {}, raw)).status).toBe(200);
  });
});

const productionVars = {
  ENVIRONMENT: "production",
  ISSUER: "https://sign.example",
  PEPPER: variedKey(1),
  HANDLE_KEY: `1:${variedKey(2)}`,
  KEY_ENCRYPTION_KEY: `1:${variedKey(3)}`,
  ADMIN_TOKEN: "an-admin-token-of-its-own-and-long",
  IP_LIMITS: "on",
  DELIVERY: "none",
  ALLOW_PRIVATE_CALLBACKS: "false",
};

describe("O5 what a deployment says of itself", () => {
  const asAdmin = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

  test("the operator is told that no code can be sent; nobody else is", async () => {
    const raw = envWith({
      ...productionVars,
      KEY_ENCRYPTION_KEY: vars.KEY_ENCRYPTION_KEY,
      ENVIRONMENT: "development",
      DELIVERY: "none",
    });
    const told = await ask("/healthz", asAdmin(productionVars.ADMIN_TOKEN), raw);
    expect([told.status, await told.json()]).toEqual([
      200,
      { status: "ok", environment: "development", issuer: "https://sign.example", sends: [], notes: [] },
    ]);
    for (const init of [{}, asAdmin("wrong"), { headers: { Authorization: "Basic eDp5" } }]) {
      const answer = await ask("/healthz", init, raw);
      expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    }
    expect(notesOf({ environment: "production", sends: [] })).toEqual([expect.stringContaining("DELIVERY")]);
    expect(notesOf({ environment: "production", sends: ["email"] })).toEqual([]);
  });

  test("a deployment without an ADMIN_TOKEN tells nobody, whatever is sent", async () => {
    const raw = envWith({ ADMIN_TOKEN: "" });
    for (const token of ["undefined", "x"]) {
      expect(await (await ask("/healthz", asAdmin(token), raw)).json()).toEqual({ status: "ok" });
    }
  });

  test("the channels that are carried are named", async () => {
    const told = await ask("/healthz", asAdmin("dev-admin-token"));
    expect(await told.json()).toMatchObject({ sends: ["email", "sms", "whatsapp", "push"], notes: [] });
  });

  test("guesses of the token are counted for their address, and health stays health", async () => {
    const counted = vi.fn(() => Promise.resolve({ success: false }));
    const raw = envWith({ IP_LIMITS: "on", LIMIT_ADMIN: { limit: counted } });
    const headers = { Authorization: "Bearer wrong", "CF-Connecting-IP": "203.0.113.9" };
    expect((await ask("/healthz", { headers }, raw)).status).toBe(200);
    expect(counted).toHaveBeenCalled();
    const good = { Authorization: "Bearer dev-admin-token", "CF-Connecting-IP": "203.0.113.9" };
    expect(await (await ask("/healthz", { headers: good }, raw)).json()).toHaveProperty("sends");
  });

  test("production without DELIVERY says so in the log when it begins", async () => {
    const said: string[] = [];
    vi.spyOn(console, "warn").mockImplementation((line: string) => void said.push(line));
    vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
    vi.spyOn(console, "error").mockImplementation((line: string) => void said.push(line));
    await ask("/", {}, envWith(productionVars));
    expect(said.filter((line) => line.includes("something is not configured"))).toHaveLength(1);
    await ask("/", {}, envWith({ ...productionVars, ENVIRONMENT: "development" }));
    expect(said.filter((line) => line.includes("something is not configured"))).toHaveLength(1);
  });
});

describe("the shared routes", () => {
  test("/healthz is ok once D1 and the keys can be used", async () => {
    const answer = await ask("/healthz");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });

  test("/healthz is 503 with the reason when D1 cannot be used, and says nothing of the cause", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = () => {
      throw new Error("D1_ERROR: no such host db-7");
    };
    const answer = await ask("/healthz", {}, envWith({ DB: { prepare: broken, batch: broken } }));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: "unavailable", reason: "the database cannot be used" });
  });

  test("/healthz is 503 when the signing keys were wrapped with another key", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await ask("/healthz")).status).toBe(200);
    const answer = await ask("/healthz", {}, envWith({ KEY_ENCRYPTION_KEY: `2:${"A".repeat(43)}` }));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reason: "the signing keys cannot be used" });
  });

  test("the JWKS is public, for five minutes, and holds no private member", async () => {
    const answer = await ask("/.well-known/jwks.json", { headers: { Origin: "https://shop.example" } });
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=300");
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
    const { keys } = await answer.json<{ keys: Record<string, string>[] }>();
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
      expect(key).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
    }
  });

  test("pages of any origin may read why they do not get the JWKS", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const broken = () => {
      throw new Error("D1_ERROR: no such host db-7");
    };
    const isFull = { limit: async () => ({ success: false }) };
    const refusals = { 503: { DB: { prepare: broken, batch: broken } }, 429: { LIMIT_READ: isFull } };
    for (const [status, bindings] of Object.entries(refusals)) {
      const raw = envWith({ IP_LIMITS: "on", ...bindings });
      const headers = { Origin: "https://shop.example", "CF-Connecting-IP": "203.0.113.9" };
      const answer = await ask("/.well-known/jwks.json", { headers }, raw);
      expect(answer.status).toBe(Number(status));
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("the home page says how to run the demo in development only", async () => {
    const page = await (await ask("/")).text();
    for (const path of DEVELOPMENT_LINKS) expect(page).toContain(`href="${path}"`);
    expect(page).toContain("npm run demo");
    expect(page).toContain('href="/.well-known/jwks.json"');
    expect(page).toContain("/api/v0");
    const answer = await ask("/", {}, envWith(productionVars));
    expect(answer.status).toBe(200);
    const production = await answer.text();
    expect(production).not.toContain("npm run demo");
    for (const path of DEVELOPMENT_LINKS) expect(production).not.toContain(`href="${path}"`);
    expect(answer.headers.get("Strict-Transport-Security")).toBe("max-age=31536000");
  });

  test("the home page names its own address to the demo where that is not the usual one", async () => {
    const pageOf = async (ISSUER: string) => await (await ask("/", {}, envWith({ ISSUER }))).text();
    expect(await pageOf("http://127.0.0.1:8787")).toContain("<code>npm run demo</code>");
    expect(await pageOf("http://127.0.0.1:9412")).toContain("npm run demo -- --url http://127.0.0.1:9412<");
  });

  test("an unknown address is a page for a browser and problem details for a program", async () => {
    const browser = await ask("/nowhere", {
      headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" },
    });
    expect([browser.status, browser.headers.get("Content-Type")]).toEqual([404, "text/html; charset=UTF-8"]);
    const program = await ask("/nowhere");
    expect([program.status, program.headers.get("Content-Type")]).toEqual([404, "application/problem+json"]);
    expect(await program.json()).toMatchObject({ type: "about:blank", title: "Not Found", status: 404 });
  });

  test.each([...SHARED, "/planted/bug", "/planted/open/body"])(
    "%s carries the security headers",
    async (path) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      const answer = path.startsWith("/planted") ? await planted(path) : await ask(path);
      expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(answer.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
      expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
      expect(answer.headers.get("Strict-Transport-Security")).toBeNull();
      expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test("T107 a wrong method on a shared route is 405 with Allow", async () => {
    for (const path of ["/", "/healthz", "/.well-known/jwks.json"]) {
      for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
        const answer = await ask(path, { method, body: "x".repeat(1024) });
        expect(answer.status, `${method} ${path}`).toBe(405);
        expect(answer.headers.get("Allow")).toBe("GET, HEAD");
      }
      expect((await ask(path, { method: "HEAD" })).status).toBe(200);
    }
  });

  test("T107 odd addresses, bodies and headers are never a 5xx", async () => {
    const paths = [
      "/%",
      "/%ff",
      "/%00",
      "//",
      "/..%2f",
      "/challenges//wait",
      "/challenges/%ff/wait",
      "/challenges/..%2f/socket",
      `/${"a".repeat(8_000)}`,
      `/healthz?${"a=1&".repeat(500)}`,
      "/.well-known/jwks.json?x=1&x=2",
    ];
    const inits: RequestInit[] = [
      {},
      { headers: { Accept: "text/html" } },
      { headers: { "CF-Connecting-IP": "not an address", "User-Agent": "x".repeat(5_000), Origin: "null" } },
      {
        method: "POST",
        body: new Uint8Array(1 << 20).fill(255),
        headers: { "Content-Type": "application/json" },
      },
      { method: "OPTIONS", headers: { Origin: "https://evil.example" } },
    ];
    for (const path of paths) {
      for (const init of inits)
        expect((await ask(path, init)).status, `${init.method} ${path}`).toBeLessThan(500);
    }
  });
});

describe("bodies and queries at the border", () => {
  test("a good body arrives, also with a charset, a +json type or in pieces", async () => {
    const good = JSON.stringify({ name: "Ada" });
    const pieces = new Response(good).body;
    for (const init of [
      post(good),
      post(good, "application/json; charset=utf-8"),
      post(good, "application/problem+json"),
      post(pieces),
    ]) {
      const answer = await planted("/planted/open/body", init);
      expect([answer.status, await answer.json()]).toEqual([200, { name: "Ada" }]);
    }
  });

  const bytes = (...values: number[]) => new Uint8Array(values);
  const tooLong = JSON.stringify({ name: "x".repeat(1 << 20) });
  test.each<[string, RequestInit, string]>([
    ["no content type", post(new TextEncoder().encode("{}"), ""), "application/json"],
    ["wrong content type", post("name=Ada", "application/x-www-form-urlencoded"), "application/json"],
    ["a type that only begins well", post("{}", "application/jsonp"), "application/json"],
    ["no body", post(null), "not JSON"],
    ["not JSON", post("{name:"), "not JSON"],
    ["bad UTF-8", post(bytes(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)), "not UTF-8"],
    ["half a surrogate in UTF-8", post(bytes(0x22, 0xed, 0xa0, 0x80, 0x22)), "not UTF-8"],
    ["an array", post("[]"), "expected object"],
    ["null", post("null"), "expected object"],
    ["a missing member", post("{}"), "name: expected string"],
    ["a wrong type", post('{"name":{"$gt":""}}'), "name: expected string"],
    ["an unknown member", post('{"name":"Ada","role":"admin"}'), "unknown member role"],
    ["too long a text", post(`{"name":"${"x".repeat(21)}"}`), "at most 20"],
    ["a fraction", post('{"name":"Ada","age":1.5}'), "age"],
    ["another form", post('{"name":"Ada","code":"x"}'), "code: not in the form that is asked for"],
    ["a megabyte", post(tooLong), "longer than 65536 bytes"],
    ["a megabyte in pieces", post(new Response(tooLong).body), "longer than 65536 bytes"],
    ["depth", post(`${"[".repeat(20_000)}`), "not JSON"],
  ])("T107 %s: 400 in the door's shape", async (_, init, reason) => {
    const answer = await planted("/planted/open/body", init);
    expect(answer.status).toBe(400);
    const body = await answer.json<{ msg: string; detail: string }>();
    expect(body.msg).toBe("malformed");
    expect(body.detail).toContain(reason);
  });

  test("T107 a refusal names the place and never repeats what was sent", async () => {
    const sent = JSON.stringify({ name: 7, "<script>alert(1)</script>": "hunter2", age: "hunter3" });
    const body = await (await planted("/planted/open/body", post(sent))).text();
    expect(body).toContain("name");
    for (const echo of ["hunter", "<script>", "alert"]) expect(body).not.toContain(echo);
  });

  test("T107 what is wrong with a query is not said of a body", async () => {
    const answer = await planted("/planted/query?other=1");
    expect([answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([
      400,
      "query: unknown member other",
    ]);
  });

  test("T107 a repeated parameter is 400, known or not", async () => {
    expect((await planted("/planted/query?n=1")).status).toBe(200);
    for (const search of ["n=1&n=2", "n=1&n=1", "x=1&x=2"]) {
      const answer = await planted(`/planted/query?${search}`);
      expect([answer.status, (await answer.json<{ msg: string }>()).msg]).toEqual([400, "malformed"]);
    }
  });

  test("T62 an address is the edge's word; what the caller says of it is not read", async () => {
    const headers = {
      "X-Forwarded-For": "198.51.100.1",
      "X-Real-IP": "198.51.100.2",
      Forwarded: "for=198.51.100.3",
      "User-Agent": "a".repeat(1_000),
    };
    expect(await (await planted("/planted/origin", { headers })).json()).toEqual({
      userAgent: "a".repeat(256),
    });
    const edge = { ...headers, "CF-Connecting-IP": "192.0.2.9" };
    expect(await (await planted("/planted/origin", { headers: edge })).json()).toMatchObject({
      ip: "192.0.2.9",
    });
    const cf = { cf: { country: "AT" } } as RequestInit;
    expect(await (await planted("/planted/origin", cf)).json()).toMatchObject({ country: "AT" });
    const nowhere = { cf: { country: "XX" } } as RequestInit;
    expect(await (await planted("/planted/origin", nowhere)).json()).toEqual({});
  });

  test.each([
    ["texts, as the edge has them", { latitude: "48.20849", longitude: "16.37208" }, [48.2, 16.4]],
    ["numbers", { latitude: -33.86785, longitude: 151.20732 }, [-33.9, 151.2]],
    ["the ends of the earth", { latitude: "-90", longitude: "180" }, [-90, 180]],
    ["null island", { latitude: "0", longitude: "0" }, [0, 0]],
    ["one alone", { latitude: "48.2" }, undefined],
    ["off the earth", { latitude: "90.1", longitude: "16.4" }, undefined],
    ["around the earth", { latitude: "48.2", longitude: "-180.5" }, undefined],
    ["no numbers", { latitude: "48°", longitude: "16.4" }, undefined],
    ["empty", { latitude: "", longitude: " " }, undefined],
    ["not finite", { latitude: "Infinity", longitude: "NaN" }, undefined],
    ["other kinds", { latitude: [48.2], longitude: true }, undefined],
    ["null", { latitude: null, longitude: null }, undefined],
  ])("T30 the place of an address, to a tenth of a degree: %s", async (_, cf, expected) => {
    const answer = await planted("/planted/origin", {
      cf: { ...cf, asn: 64_496, colo: "VIE" },
    } as RequestInit);
    const [latitude, longitude] = expected ?? [];
    expect(await answer.json()).toEqual(expected === undefined ? {} : { latitude, longitude });
  });
});

describe("what goes wrong behind a door", () => {
  test("an outage is 503 with Retry-After in the door's shape, or as problem details", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const shaped = await planted("/planted/outage");
    expect([shaped.status, shaped.headers.get("Retry-After"), await shaped.json()]).toEqual([
      503,
      "7",
      { msg: "fault 503" },
    ]);
    const problem = await planted("/plain/outage");
    expect([problem.status, problem.headers.get("Retry-After")]).toEqual([503, "7"]);
    expect(await problem.text()).not.toContain("10.0.0.1");
  });

  test("a browser is shown an outage as a page, and told when to come again", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const down = () => {
      throw new Error("D1_ERROR: no such host db-7");
    };
    const raw = envWith({ DB: { prepare: down, batch: down } });
    const answer = await ask("/.well-known/jwks.json", { headers: { Accept: "text/html" } }, raw);
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "2"]);
    const page = await answer.text();
    expect(page).toContain("That did not work");
    expect(page).not.toContain("db-7");
  });

  test("T104 a bug is 500 without a word, and its words are in the log without the secret", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await planted("/plain/bug");
    const body = await answer.text();
    expect(answer.status).toBe(500);
    for (const word of ["TypeError", "cannot read", "at ", vars.PEPPER]) expect(body).not.toContain(word);
    const line = String(log.mock.calls[0]?.[0]);
    expect(JSON.parse(line)).toMatchObject({
      level: "error",
      method: "GET",
      route: "/plain/bug",
      requestId: answer.headers.get("X-Request-Id"),
      error: { name: "TypeError" },
    });
    expect(line).toContain("cannot read");
    expect(line).not.toContain(vars.PEPPER);
  });

  test("what the framework refuses is the caller's fault, not ours", async () => {
    expect((await planted("/planted/exception")).status).toBe(400);
  });

  test("an unknown path and a wrong method are said in the door's shape", async () => {
    const unknown = await planted("/planted/nowhere", { headers: { Accept: "text/html" } });
    expect([unknown.status, await unknown.json()]).toEqual([404, { msg: "fault 404" }]);
    const wrong = await planted("/planted/open/body", { method: "PUT", body: "x" });
    expect([wrong.status, wrong.headers.get("Allow"), await wrong.json()]).toEqual([
      405,
      "POST",
      { msg: "fault 405" },
    ]);
    const plainDoor = await planted("/plain/open/body");
    expect([plainDoor.status, plainDoor.headers.get("Allow")]).toEqual([405, "POST"]);
    expect(plainDoor.headers.get("Content-Type")).toBe("application/problem+json");
    expect((await planted("/plantedelsewhere")).headers.get("Content-Type")).toBe("application/problem+json");
  });
});

test("T92 a door's CORS echoes an allowed origin only, and never a wildcard", async () => {
  const from = (origin: string, init: RequestInit) =>
    planted("/planted/open/body", { ...init, headers: { ...(init.headers as object), Origin: origin } });
  const preflight = { method: "OPTIONS", headers: { "Access-Control-Request-Method": "POST" } };
  for (const init of [post('{"name":"Ada"}'), preflight]) {
    const own = await from("https://shop.example", init);
    expect(own.headers.get("Access-Control-Allow-Origin")).toBe("https://shop.example");
    expect(own.headers.get("Access-Control-Allow-Credentials")).toBe("true");
    expect(own.headers.get("Vary")).toContain("Origin");
    const foreign = await from("https://evil.example", init);
    expect(foreign.headers.get("Access-Control-Allow-Origin")).toBeNull();
    expect(foreign.headers.get("Vary")).toContain("Origin");
  }
});
