import { randomBytes } from "node:crypto";
import { expect, inject, test } from "vitest";
import { startServer } from "./server.ts";

const PATHS = ["/demo", "/demo/phone", "/demo/demo.js", "/demo/demo.css", "/demo/watch.js"];
/** Where static files themselves would be reached, without the Worker. */
const RAW = ["/demo/", "/demo/index.html", "/demo/index", "/assets/demo/demo.js"];

const randomKey = () => randomBytes(32).toString("base64url");

const statusesAt = async (origin: string, paths: readonly string[]) =>
  await Promise.all(
    paths.map(async (path) => [path, (await fetch(origin + path, { redirect: "manual" })).status]),
  );

test("T93 the demo is a development server's, and a production server has nothing of it", async () => {
  expect(await statusesAt(inject("origin"), PATHS)).toEqual(PATHS.map((path) => [path, 200]));
  const live = await startServer({
    vars: {
      ENVIRONMENT: "production",
      ALLOW_LOOPBACK_ISSUER: "true",
      PEPPER: randomKey(),
      HANDLE_KEY: `1:${randomKey()}`,
      KEY_ENCRYPTION_KEY: `1:${randomKey()}`,
      ADMIN_TOKEN: "an-admin-token-of-its-own-and-long",
      IP_LIMITS: "on",
      DELIVERY: "none",
      ALLOW_PRIVATE_CALLBACKS: "false",
    },
  });
  try {
    const all = [...PATHS, ...RAW];
    expect(await statusesAt(live.origin, all)).toEqual(all.map((path) => [path, 404]));
    const ticket = await fetch(`${live.origin}/demo/ticket`, {
      method: "POST",
      headers: {
        Authorization: "Bearer an-admin-token-of-its-own-and-long",
        "Content-Type": "application/json",
      },
      body: JSON.stringify({ user_id: crypto.randomUUID() }),
    });
    expect(ticket.status).toBe(404);
    expect((await fetch(`${live.origin}/phone`)).status).toBe(200);
  } finally {
    await live.stop();
    live.remove();
  }
});
