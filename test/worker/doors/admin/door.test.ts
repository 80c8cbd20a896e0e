import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import type { Services } from "../../../../src/core/ports/services.ts";
import {
  admin,
  newClient,
  newDevice,
  newUser,
  powers,
  refreshes,
  signIn,
  TOKEN,
  unlike,
} from "../../support/admin.ts";

const ID = "aaaaaaaa-0000-4000-8000-aaaaaaaaaaaa";
const HEX = "ab".repeat(32);

/** Every route of the contract's table. `body`: it reads one. `query`: it reads one. */
const ROUTES = [
  { method: "POST", path: "/clients", reads: "body" },
  { method: "GET", path: "/clients", reads: "query" },
  { method: "GET", path: "/clients/shop", reads: "nothing" },
  { method: "PATCH", path: "/clients/shop", reads: "body" },
  { method: "DELETE", path: "/clients/shop", reads: "nothing" },
  { method: "POST", path: "/clients/shop/secret", reads: "body" },
  { method: "POST", path: "/users", reads: "body" },
  { method: "GET", path: "/users", reads: "query" },
  { method: "GET", path: `/users/${ID}`, reads: "nothing" },
  { method: "PATCH", path: `/users/${ID}`, reads: "body" },
  { method: "DELETE", path: `/users/${ID}`, reads: "nothing" },
  { method: "GET", path: `/users/${ID}/devices`, reads: "query" },
  { method: "DELETE", path: `/users/${ID}/devices/${ID}`, reads: "nothing" },
  { method: "GET", path: `/users/${ID}/grants`, reads: "query" },
  { method: "DELETE", path: `/users/${ID}/grants/${HEX}`, reads: "nothing" },
  { method: "DELETE", path: `/users/${ID}/grants`, reads: "nothing" },
  { method: "GET", path: "/audit", reads: "query" },
  { method: "POST", path: "/keys/rotate", reads: "body" },
  { method: "GET", path: "/keys", reads: "nothing" },
] as const;

const bodied = ROUTES.filter(({ reads }) => reads === "body");

afterEach(() => {
  vi.restoreAllMocks();
});

describe("who may come in", () => {
  test.each(ROUTES)(
    "$method $path without the token, or with another, is 401 and does nothing",
    async ({ method, path }) => {
      for (const Authorization of [
        "",
        "Bearer",
        "Bearer wrong",
        `Bearer ${TOKEN}x`,
        `Basic ${btoa(`a:${TOKEN}`)}`,
        TOKEN,
      ]) {
        const refused = await admin(method, path, undefined, { headers: { Authorization } });
        expect([Authorization, refused.status]).toEqual([Authorization, 401]);
        expect(refused.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="admin"/);
        expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
        expect(refused.headers.get("Cache-Control")).toBe("no-store");
        expect(refused.body).toMatchObject({ type: "about:blank", title: "Unauthorized", status: 401 });
      }
    },
  );

  test("the token's scheme is read without regard to case (RFC 9110 §11.1)", async () => {
    expect(
      (await admin("GET", "/keys", undefined, { headers: { Authorization: `bearer ${TOKEN}` } })).status,
    ).toBe(200);
  });

  test("what is not there stays hidden without the token and is 404 with it", async () => {
    expect((await admin("GET", "/nothing", undefined, { headers: { Authorization: "" } })).status).toBe(401);
    const missing = await admin("GET", "/nothing");
    expect([missing.status, missing.body.status]).toEqual([404, 404]);
  });

  test.each([
    ["PUT", "/clients", "GET, HEAD, POST"],
    ["POST", "/audit", "GET, HEAD"],
    ["PATCH", `/users/${ID}/grants`, "GET, HEAD, DELETE"],
  ])("%s %s is 405 and names the methods", async (method, path, allow) => {
    const refused = await admin(method, path, {});
    expect(refused.status).toBe(405);
    expect(refused.headers.get("Allow")?.split(", ").sort()).toEqual(allow.split(", ").sort());
    expect(refused.body.status).toBe(405);
  });

  test.each(ROUTES)(
    "T104 without ADMIN_TOKEN $method $path is 503, whatever is presented",
    async ({ method, path }) => {
      for (const ADMIN_TOKEN of [undefined, ""]) {
        for (const Authorization of [`Bearer ${TOKEN}`, "Bearer ", "Bearer undefined", ""]) {
          const closed = await admin(method, path, undefined, {
            headers: { Authorization },
            vars: { ...env, ADMIN_TOKEN },
          });
          expect(closed.status).toBe(503);
          expect(closed.body).toMatchObject({ title: "Service Unavailable", status: 503 });
        }
      }
    },
  );

  test("T104 the token is in no log line: not of a refusal, an outage or a fault", async () => {
    const lines: string[] = [];
    for (const level of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts.map(String).join(" ")));
    }
    const failing = (error: Error): Partial<Services> => ({
      clients: { ...powers.clients, page: () => Promise.reject(error) },
    });
    await admin("GET", "/keys");
    await admin("GET", "/keys", undefined, { headers: { Authorization: `Bearer ${TOKEN}-wrong` } });
    const out = await admin("GET", "/clients", undefined, { services: failing(new Outage("D1")) });
    const bug = await admin("GET", "/clients", undefined, {
      services: failing(new Error(`Authorization: Bearer ${TOKEN}`)),
    });
    expect([out.status, bug.status]).toEqual([503, 500]);
    expect(out.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(bug.text).not.toMatch(/Bearer|at /);
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(lines.join("\n")).not.toContain(TOKEN);
  });

  test("S14 over its limit an address gets 429 with Retry-After, and the right token passes uncounted", async () => {
    const asked: (string | undefined)[] = [];
    const services: Partial<Services> = {
      limits: {
        ...powers.limits,
        admin: async (ip) => {
          asked.push(ip);
          return false;
        },
      },
    };
    const limited = await admin("GET", "/keys", undefined, { services, headers: { Authorization: "" } });
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(asked).toEqual(["203.0.113.7"]);
    expect((await admin("GET", "/keys", undefined, { services })).status).toBe(200);
    expect(asked).toHaveLength(1);
  });

  test("with IP_LIMITS on, one address cannot knock for ever", async () => {
    const vars = { ...env, IP_LIMITS: "on" };
    const headers = { Authorization: "Bearer guess", "CF-Connecting-IP": "198.51.100.77" };
    const seen = new Set<number>();
    for (let knock = 0; knock < 310 && !seen.has(429); knock += 1) {
      seen.add((await admin("GET", "/keys", undefined, { vars, headers })).status);
    }
    expect([...seen]).toEqual([401, 429]);
  });
});

describe("ids", () => {
  test("T106 what is another user's is 404 like what does not exist, and stays as it is", async () => {
    const [owner, other] = [await newUser(), await newUser()];
    const device = await newDevice(owner);
    const grant = await signIn(owner, device.id);
    const stranger = crypto.randomUUID();
    const foreign = [
      `/users/${other}/devices/${device.id}`,
      `/users/${other}/grants/${grant.id}`,
      `/users/${stranger}/devices/${device.id}`,
      `/users/${stranger}/grants/${grant.id}`,
    ];
    const unknown = [`/users/${other}/devices/${stranger}`, `/users/${other}/grants/${HEX}`];
    for (const path of [...foreign, ...unknown]) {
      const refused = await admin("DELETE", path);
      expect([path, refused.status]).toEqual([path, 404]);
    }
    const answers = await Promise.all(
      [`/users/${other}/devices/${device.id}`, unknown[0] ?? ""].map((path) => admin("DELETE", path)),
    );
    expect(answers[0]?.text).toBe(answers[1]?.text);
    expect(await refreshes(grant.id)).toBe(true);
    expect((await admin("GET", `/users/${owner}/devices`)).body.devices).toHaveLength(1);
    expect((await admin("GET", `/users/${owner}/grants`)).body.grants).toHaveLength(1);
    expect(await powers.records.events({ userId: other, type: "device.revoked", size: 9 })).toEqual([]);
  });

  test.each(ROUTES.filter(({ path }) => path.includes("shop") || path.includes(ID)))(
    "T106 $method $path with ids that nobody has, or that are none, is 404",
    async ({ method, path, reads }) => {
      const body = reads === "body" ? {} : undefined;
      const places = [
        [ID, crypto.randomUUID()],
        [ID, "not-an-id"],
        [ID, "%00"],
        [ID, "a".repeat(500)],
        [HEX, "f".repeat(64)],
        [HEX, "xyz"],
      ];
      const changed = path.includes("shop")
        ? [unlike("nobody"), "%20", "a".repeat(129), "%F0%9F%A6%8A"].map((id) => path.replace("shop", id))
        : places.map(([from = "", to = ""]) => path.replaceAll(from, to));
      for (const target of changed) {
        const refused = await admin(method, target, body);
        expect([target, refused.status]).toEqual([target, 404]);
      }
    },
  );
});

describe("T107 bad input", () => {
  test.each(bodied)(
    "$method $path: wrong content type, bad UTF-8, no JSON, a megabyte: 400",
    async ({ method, path }) => {
      const json = { "Content-Type": "application/json" };
      const bad: [string, BodyInit, Record<string, string>][] = [
        [
          "text",
          JSON.stringify({ name: "x", kind: "public", username: "x" }),
          { "Content-Type": "text/plain" },
        ],
        ["no type", new TextEncoder().encode("{}"), {}],
        ["form", new URLSearchParams({ name: "x" }), {}],
        ["bad UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), json],
        ["no JSON", "{", json],
        ["white space", " ", json],
        ["a megabyte", JSON.stringify({ name: "x".repeat(1_048_576) }), json],
      ];
      for (const [what, raw, headers] of bad) {
        const refused = await admin(method, path, undefined, { raw, headers });
        expect([what, refused.status]).toEqual([what, 400]);
        expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
        expect(refused.text.length).toBeLessThan(500);
      }
    },
  );

  test.each(bodied)(
    "$method $path: whatever JSON comes is answered below 500, without a stack",
    async ({ method, path }) => {
      const users = await newUser();
      const { client_id } = await newClient();
      const target = path.replace(ID, users).replace("shop", client_id);
      const member = fc.constantFrom(
        "name",
        "kind",
        "client_id",
        "redirect_uris",
        "allowed_origins",
        "grant_types",
        "public_keys",
        "webhook_url",
        "notification_endpoint",
        "settings",
        "disabled",
        "username",
        "email",
        "phone",
        "external_id",
        "status",
        "lane",
        "__proto__",
        "constructor",
      );
      const json = fc.oneof(
        fc.jsonValue({ maxDepth: 3 }),
        fc.dictionary(member, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
      );
      await fc.assert(
        fc.asyncProperty(json, async (body) => {
          const answer = await admin(method, target, body);
          expect(answer.status).toBeLessThan(500);
          expect(answer.text).not.toMatch(/\bat .*\.ts/);
        }),
        { numRuns: 60 },
      );
    },
  );

  test.each(ROUTES.filter(({ reads }) => reads === "query"))(
    "$method $path: repeated, unknown and broken parameters: 400",
    async ({ method, path }) => {
      const target = path.replace(ID, await newUser());
      for (const query of [
        "after=a&after=b",
        "x=1&x=2",
        "x=1",
        "after=%ff%fe",
        "after=%",
        "after[]=1",
        `after=${"a".repeat(5_000)}`,
      ]) {
        const refused = await admin(method, `${target}?${query}`);
        expect([query, refused.status]).toEqual([query, 400]);
        expect(refused.body.status).toBe(400);
      }
    },
  );

  test.each(ROUTES.filter(({ reads }) => reads !== "body"))(
    "$method $path: a body that nobody asked for changes no answer",
    async ({ method, path }) => {
      if (method === "GET") return expect((await admin(method, `${path}?`)).status).toBeLessThan(500);
      const plain = await admin(method, path);
      const laden = await admin(method, path, undefined, { raw: new Uint8Array(1_048_576).fill(0xff) });
      expect([laden.status, laden.body]).toEqual([plain.status, plain.body]);
      expect(plain.status).toBeLessThan(500);
    },
  );
});

test("T67 no secret of a client is in the database, before or after its rotation", async () => {
  const { client_id, client_secret: first } = await newClient();
  const second = (await admin("POST", `/clients/${client_id}/secret`)).body.client_secret;
  const { results: tables } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>();
  const dump: string[] = [];
  for (const { name } of tables) {
    dump.push(JSON.stringify((await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results));
  }
  const text = dump.join("\n");
  expect(tables.length).toBeGreaterThanOrEqual(7);
  expect(text).toContain(client_id);
  for (const secret of [first, second, TOKEN]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(btoa(secret).replaceAll("=", ""));
  }
});
