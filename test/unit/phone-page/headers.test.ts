import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { phoneFiles } from "../../../scripts/build-phone.ts";
import { root } from "../sources.ts";

type Headers = Readonly<Record<string, string>>;

/** The rules of a `_headers` file: a path, and indented below it a header in each line. */
const rules = readFileSync(join(root, "assets/_headers"), "utf8")
  .replaceAll(/^#.*$/gm, "")
  .split(/\n(?=\S)/)
  .map((block) => block.trim().split(/\n\s+/))
  .map(([path = "", ...lines]) => {
    const headers = lines.map((line) => {
      const [name = "", ...value] = line.split(":");
      return [name.toLowerCase(), value.join(":").trim()];
    });
    return { path, headers: Object.fromEntries(headers) as Headers };
  });

const fits = (pattern: string, path: string): boolean =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;

/** What is sent with a file: each rule that fits adds its own, as Workers' static assets do it. */
const headersOf = (path: string): Headers =>
  Object.assign({}, ...rules.filter((rule) => fits(rule.path, path)).map(({ headers }) => headers));

const directives = (policy = ""): Record<string, string> =>
  Object.fromEntries(
    policy.split(";").map((part) => {
      const [name = "", ...values] = part.trim().split(" ");
      return [name, values.join(" ")];
    }),
  );

describe("the headers of the phone page's files", () => {
  test("T93 the page runs its own files alone, is framed by nobody, and sends no form anywhere", () => {
    const policy = directives(headersOf("/phone")["content-security-policy"]);
    expect(policy).toMatchObject({
      "default-src": "'none'",
      "script-src": "'self'",
      "style-src": "'self'",
      "connect-src": "'self'",
      "manifest-src": "'self'",
      "worker-src": "'self'",
      "base-uri": "'none'",
      "frame-ancestors": "'none'",
    });
    expect(Object.values(policy).join(" ")).not.toMatch(/unsafe|\*|https?:/);
  });

  test("T93 each file has the headers of the icon, and is asked for again at each opening", async () => {
    const shared = ["allow", "referrer-policy", "strict-transport-security", "x-content-type-options"];
    const icon = headersOf("/favicon.svg");
    const paths = (await phoneFiles()).map(({ path }) => (path === "phone.html" ? "/phone" : `/${path}`));
    expect(paths.length).toBeGreaterThan(6);
    for (const path of paths) {
      const headers = headersOf(path);
      for (const name of shared) expect(headers[name], `${path} ${name}`).toBe(icon[name]);
      expect(headers["cache-control"], path).toBe("no-cache");
      expect(headers["content-security-policy"], path).toContain("default-src 'none'");
    }
  });

  test("passkeys and the camera may be used by the page itself, and what it does not need by nobody", () => {
    const policy = headersOf("/phone")["permissions-policy"];
    for (const name of ["publickey-credentials-get", "publickey-credentials-create", "camera"]) {
      expect(policy).toContain(`${name}=(self)`);
    }
    for (const name of ["microphone", "geolocation"]) expect(policy).toContain(`${name}=()`);
  });

  test("the service worker may stand over /phone, which lies above its own folder", () => {
    expect(headersOf("/phone/sw.js")["service-worker-allowed"]).toBe("/phone");
  });

  test("all of them are served without the Worker, and nothing else below /phone is", async () => {
    const [, list = ""] =
      /^run_worker_first = \[(.*)\]$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8")) ?? [];
    const free = [...list.matchAll(/"!([^"]+)"/g)].map(([, pattern = ""]) => pattern);
    const isFree = (path: string) => free.some((pattern) => fits(pattern, path));
    for (const { path } of await phoneFiles())
      expect(isFree(path === "phone.html" ? "/phone" : `/${path}`), path).toBe(true);
    for (const path of ["/phone/sign-in", "/phone/undo", "/phone.html", "/demo", "/approver/config"]) {
      expect(isFree(path), path).toBe(false);
    }
  });
});
