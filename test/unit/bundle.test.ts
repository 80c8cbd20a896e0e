import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** What a cold isolate has to load. */
const LIMIT = 500 * 1024;

test("the Worker as it is deployed stays under 500 KiB, gzipped", () => {
  const out = mkdtempSync(join(tmpdir(), "countersign-bundle-"));
  try {
    execFileSync(join(root, "node_modules/.bin/wrangler"), ["deploy", "--dry-run", "--outdir", out], {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true" },
      stdio: "pipe",
    });
    const modules = readdirSync(out).filter((name) => /\.(js|wasm|bin)$/.test(name));
    expect(modules).toContain("worker.js");
    const size = modules.reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name))).length, 0);
    expect(size).toBeGreaterThan(50 * 1024);
    expect(size).toBeLessThan(LIMIT);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
