import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleWorker } from "../../scripts/dry-run.ts";

/** What a cold isolate has to load. */
const LIMIT = 500 * 1024;

test("the Worker as it is deployed stays under 500 KiB, gzipped", () => {
  const out = mkdtempSync(join(tmpdir(), "countersign-bundle-"));
  try {
    bundleWorker(out);
    const modules = readdirSync(out).filter((name) => /\.(js|wasm|bin)$/.test(name));
    expect(modules).toContain("worker.js");
    const size = modules.reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name))).length, 0);
    expect(size).toBeGreaterThan(50 * 1024);
    expect(size).toBeLessThan(LIMIT);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
