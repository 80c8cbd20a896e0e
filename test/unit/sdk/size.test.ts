import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const src = "./packages/countersign/src";

/** What docs/client.md and docs/phone-library.md promise to a page, in KiB. */
test.each([
  ["the client library", `export { createClient } from "${src}/client.ts";`, 6],
  [
    "the library of a phone",
    `export { createPhone, indexedDbStorage, webCryptoKeys } from "${src}/phone/phone.ts";`,
    7.5,
  ],
])("what a page needs of %s is small, packed", async (_, contents, limit) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  const page = outputFiles[0]?.contents ?? new Uint8Array();
  expect(page.length).toBeGreaterThan(0);
  expect(gzipSync(page, { level: 9 }).length).toBeLessThan(limit * 1024);
});
