import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
/** What docs/client.md promises to a page. */
const LIMIT = 6 * 1024;

test("what a page needs of the client library is under 6 KiB, packed", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: 'export { createClient } from "./packages/countersign/src/client.ts";',
      resolveDir: root,
    },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  const page = outputFiles[0]?.contents ?? new Uint8Array();
  expect(page.length).toBeGreaterThan(0);
  expect(gzipSync(page, { level: 9 }).length).toBeLessThan(LIMIT);
});
