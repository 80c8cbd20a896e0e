import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, inject, test } from "vitest";
import { makeDocument } from "../../scripts/build-openapi.ts";
import { startServer } from "./server.ts";

const ask = (path: string, init: RequestInit = {}, origin = inject("origin")) =>
  fetch(origin + path, { redirect: "manual", ...init });

describe("the description of the API", () => {
  test("is served as it is made of the routes, for every page and for five minutes", async () => {
    const answer = await ask("/openapi.json", { headers: { Origin: "https://anywhere.example" } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    const tag = answer.headers.get("etag") ?? "";
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(await makeDocument())));
    expect(gzipSync(text).length).toBeLessThan(80 * 1024);
    expect((await ask("/openapi.json", { headers: { "If-None-Match": tag } })).status).toBe(304);
    expect((await ask("/openapi.json", { method: "POST", body: "{}" })).status).toBe(405);
  });

  test("T93 the reference page is text under a policy without scripts", async () => {
    const page = await ask("/docs/api");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("script-src");
    expect(policy).not.toContain("unsafe");
    const text = await page.text();
    expect(text).not.toMatch(/<script|<style|\sstyle=|javascript:/i);
    expect(text).toContain('id="createClient"');
    const loaded = [...text.matchAll(/<link[^>]* href="([^"]+)"/g)].map(([, path = ""]) => path);
    expect(loaded).toEqual(["/favicon.svg", "/docs/api.css"]);
    const style = await ask("/docs/api.css");
    expect([style.status, style.headers.get("content-type")]).toEqual([200, "text/css; charset=utf-8"]);
  });

  test("each link of the reference page leads to a place of it", async () => {
    const text = await (await ask("/docs/api")).text();
    const places = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...text.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter((id) => !places.has(id))).toEqual([]);
  });
});

test("T93 a production server has the description, and nothing of the reference page", async () => {
  const randomKey = () => randomBytes(32).toString("base64url");
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
    expect((await ask("/openapi.json", {}, live.origin)).status).toBe(200);
    for (const path of ["/docs/api", "/docs/api.html", "/docs/api.css", "/docs/", "/docs/api/"]) {
      expect([path, (await ask(path, {}, live.origin)).status]).toEqual([path, 404]);
    }
  } finally {
    await live.stop();
    live.remove();
  }
});
