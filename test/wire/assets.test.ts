import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, inject, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const ask = (path: string, init: RequestInit = {}) =>
  fetch(inject("origin") + path, { redirect: "manual", ...init });

/** What the Worker gives an answer of its own, but for the id of a request. */
const SHARED = ["x-content-type-options", "referrer-policy", "content-security-policy"];

describe("static files", () => {
  test("T93 the icon has its address, its type, its day in the cache, and the headers of every answer", async () => {
    const [icon, own] = await Promise.all([ask("/favicon.svg"), ask("/nowhere")]);
    expect(icon.status).toBe(200);
    expect(await icon.text()).toBe(readFileSync(resolve(root, "assets/favicon.svg"), "utf8"));
    expect(icon.headers.get("content-type")).toBe("image/svg+xml");
    expect(icon.headers.get("cache-control")).toBe("public, max-age=86400");
    expect(icon.headers.get("strict-transport-security")).toBe("max-age=31536000");
    for (const name of SHARED) {
      expect(own.headers.get(name), name).not.toBeNull();
      expect(icon.headers.get(name), name).toBe(own.headers.get(name));
    }
  });

  test("T93 what draws QR codes is a small script, with the headers of every answer", async () => {
    const [drawer, own] = await Promise.all([ask("/qr.js"), ask("/nowhere")]);
    expect(drawer.status).toBe(200);
    expect(drawer.headers.get("content-type")).toMatch(/^text\/javascript/);
    expect(drawer.headers.get("cache-control")).toBe("public, max-age=3600");
    for (const name of SHARED) expect(drawer.headers.get(name), name).toBe(own.headers.get(name));
    const bytes = await drawer.bytes();
    expect(gzipSync(bytes).length).toBeLessThan(6 * 1024);
    expect((await ask("/qr.js", { method: "POST", body: "x" })).status).toBe(405);
  });

  test("T93 the phone page and its files come as they were built, under a policy of their own", async () => {
    const page = await ask("/phone");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(page.headers.get("x-request-id")).toBeNull();
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    const text = await page.text();
    const loaded = [...text.matchAll(/\s(?:src|href)="(\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(loaded).toContain("/phone/app.js");
    for (const path of [...loaded, "/phone/sw.js", "/phone/icon-192.png"]) {
      const file = await ask(path);
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers.get("cache-control"), path).toBe("no-cache");
      expect(file.headers.get("x-content-type-options"), path).toBe("nosniff");
      expect(file.headers.get("etag"), path).toBeTruthy();
    }
    expect((await ask("/phone/sw.js")).headers.get("service-worker-allowed")).toBe("/phone");
    expect((await ask("/phone/manifest.webmanifest")).headers.get("content-type")).toMatch(/manifest\+json/);
  });

  test("T93 the operator's pages come as they were built, and hold nothing that needs the token", async () => {
    const page = await ask("/console");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(Object.fromEntries(page.headers)).toMatchObject({
      "cache-control": "no-cache",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      "cross-origin-opener-policy": "same-origin",
      "permissions-policy": "camera=(), microphone=(), geolocation=()",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    const text = await page.text();
    const loaded = [...text.matchAll(/\s(?:src|href)="(\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(loaded).toEqual(["/favicon.svg", "/console/app.css", "/console/app.js"]);
    for (const path of loaded.slice(1)) {
      const file = await ask(path);
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers.get("cache-control"), path).toBe("no-cache");
      expect(file.headers.get("x-content-type-options"), path).toBe("nosniff");
    }
    expect(gzipSync(await (await ask("/console/app.js")).bytes()).length).toBeLessThan(12 * 1024);
    // What is not among the files is the Worker's to refuse.
    expect((await ask("/console/clients")).status).toBe(404);
    expect((await ask("/console", { method: "POST", body: "x" })).status).toBe(405);
  });

  test("T107 another method at the icon is 405 with Allow", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await ask("/favicon.svg", { method, body: "x" });
      expect([method, answer.status, answer.headers.get("allow")]).toEqual([method, 405, "GET, HEAD"]);
    }
    expect((await ask("/favicon.svg", { method: "HEAD" })).status).toBe(200);
  });

  test.each([
    "/",
    "/healthz",
    "/_headers",
    "/favicon.svg/",
    "/qr.js/",
    "//favicon.svg",
    "/FAVICON.svg",
    "/assets/favicon.svg",
    "/phone.html",
    "/phone/sign-in",
    "/phone/undo",
    "/phone/other.js",
    "/PHONE",
  ])("%s is the Worker's to answer", async (path) => {
    expect((await ask(path)).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
