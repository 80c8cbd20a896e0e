import { describe, expect, test } from "vitest";
import { readTicket } from "../../../src/core/device/ticket.ts";
import { variedKey } from "../../fakes/signing-keys.ts";
import { ask, envWith, servicesOf } from "../support/app.ts";
import { enrolPhone, newOwner } from "../support/phone.ts";

/** A folder of files as the platform's binding has it; the built ones are no part of a test. */
const built: Readonly<Record<string, string>> = {
  "/demo/": "<!doctype html><title>Demo</title>",
  "/demo/demo.js": "void 0",
  "/phone": "<!doctype html><html><head><title>Phone</title></head></html>",
  "/favicon.svg": "<svg/>",
};
const PHONE_POLICY = "default-src 'none'; script-src 'self'; frame-ancestors 'none'";
const assets = (files = built) => ({
  fetch: async (url: string) => {
    const text = files[new URL(url).pathname];
    const type = url.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
    return text === undefined
      ? new Response(null, { status: 404 })
      : new Response(text, { headers: { "Content-Type": type, "Content-Security-Policy": PHONE_POLICY } });
  },
});
const raw = envWith({ ASSETS: assets() });
const production = {
  ENVIRONMENT: "production",
  ISSUER: "https://sign.example",
  PEPPER: variedKey(1),
  HANDLE_KEY: `1:${variedKey(2)}`,
  KEY_ENCRYPTION_KEY: `1:${variedKey(3)}`,
  ADMIN_TOKEN: "an-admin-token-of-its-own-and-long",
  IP_LIMITS: "on",
  DELIVERY: "none",
  ALLOW_PRIVATE_CALLBACKS: "false",
  ASSETS: assets(),
};

const ticketFor = async (body: unknown, token = "dev-admin-token", env: object = raw) => {
  const answer = await ask(
    "/demo/ticket",
    {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        "Content-Type": "application/json",
        ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
      },
    },
    env,
  );
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) };
};

describe("the files of the demo", () => {
  test("are handed out in development, each by its name, under a policy without inline script", async () => {
    const page = await ask("/demo", {}, raw);
    expect([page.status, await page.text()]).toEqual([200, built["/demo/"]]);
    expect(page.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    const policy = page.headers.get("Content-Security-Policy") ?? "";
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' ws://localhost:8787",
        "frame-src 'self'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(policy).not.toContain("unsafe");
    const script = await ask("/demo/demo.js", {}, raw);
    expect([script.status, script.headers.get("Content-Type")]).toEqual([200, "text/javascript"]);
  });

  test("the phone page is framed by the demo alone, and its calls are told to it", async () => {
    const phone = await ask("/demo/phone", {}, raw);
    expect([phone.status, await phone.text()]).toEqual([
      200,
      built["/phone"]?.replace("<head>", '<head><script src="/demo/watch.js"></script>'),
    ]);
    expect(phone.headers.get("Content-Security-Policy")).toBe(
      PHONE_POLICY.replace("ancestors 'none'", "ancestors 'self'"),
    );
  });

  test.each([
    "/demo/none.js",
    "/demo/index.html",
    "/demo/",
    "/demo/..%2ffavicon.svg",
    "/demo/..%2f..%2fwrangler.toml",
    "/demo/%2e%2e/favicon.svg",
    "/demo/_headers",
    "/demo/demo/demo.js",
  ])("%s is no file of it", async (path) => {
    const answer = await ask(path, {}, raw);
    expect(await answer.text()).not.toContain("svg");
    expect(answer.status).toBe(404);
  });

  test("T93 nothing of it is there in production, although its files are", async () => {
    const live = envWith(production);
    expect((await ask("/healthz", {}, live)).status).toBe(200);
    for (const path of ["/demo", "/demo/phone", "/demo/demo.js"]) {
      expect((await ask(path, {}, raw)).status, path).toBe(200);
      expect((await ask(path, {}, live)).status, path).toBe(404);
    }
  });

  test("a development server without the files has no demo", async () => {
    expect((await ask("/demo", {}, envWith({ ASSETS: undefined }))).status).toBe(404);
    expect((await ask("/demo", {}, envWith({ ASSETS: assets({}) }))).status).toBe(404);
  });
});

describe("the demo's leave to add a phone", () => {
  const at = { services: servicesOf(raw), ask: (path: string, init: RequestInit) => ask(path, init, raw) };

  test("adds a phone for the user whom the operator has named, once", async () => {
    const owner = await newOwner(at);
    const given = await ticketFor({ user_id: owner.id });
    expect(given).toMatchObject({ status: 201, body: { ticket: expect.any(String) } });
    expect(given.headers.get("Cache-Control")).toBe("no-store");
    const ticket = await readTicket(at.services, given.body.ticket);
    expect(ticket).toMatchObject({ userId: owner.id, clientId: "@phone" });
    expect(ticket?.until ?? 0).toBeLessThanOrEqual(Date.now() + 120_000);
    const { phone } = await enrolPhone(at, given.body.ticket);
    expect(phone?.deviceId).toBe(ticket?.id);
    expect((await enrolPhone(at, given.body.ticket)).answer.status).toBe(410);
  });

  test("T104 takes the operator's token, and no other", async () => {
    const { id } = await newOwner(at);
    for (const token of ["", "wrong", "undefined"]) {
      const refused = await ticketFor({ user_id: id }, token);
      expect([token, refused.status, refused.headers.get("WWW-Authenticate")]).toEqual([
        token,
        401,
        'Bearer realm="admin"',
      ]);
    }
    const open = envWith({ ASSETS: assets(), ADMIN_TOKEN: undefined });
    expect((await ticketFor({ user_id: id }, "undefined", open)).status).toBe(401);
  });

  test("counts calls without the token for their address", async () => {
    const limited = envWith({
      ASSETS: assets(),
      IP_LIMITS: "on",
      LIMIT_ADMIN: { limit: async () => ({ success: false }) },
    });
    const answer = await ask(
      "/demo/ticket",
      { method: "POST", headers: { Authorization: "Bearer wrong", "CF-Connecting-IP": "203.0.113.9" } },
      limited,
    );
    expect([answer.status, answer.headers.has("Retry-After")]).toEqual([429, true]);
  });

  test("is not there in production, whoever asks", async () => {
    const { id } = await newOwner(at);
    const live = envWith(production);
    for (const token of [production.ADMIN_TOKEN, "dev-admin-token", ""]) {
      expect((await ticketFor({ user_id: id }, token, live)).status).toBe(404);
    }
  });

  test.each([{}, { user_id: 7 }, [], "x"])("T107 refuses the body %j", async (body) => {
    expect((await ticketFor(body)).status).toBe(400);
  });

  test.each(["nobody", crypto.randomUUID()])("knows no user %s", async (user_id) => {
    expect((await ticketFor({ user_id })).status).toBe(404);
  });
});
