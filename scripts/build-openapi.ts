/** Writes `assets/openapi.json`, made of the routes as they are mounted, and in development the reference page that shows it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { put } from "./put.ts";
import { referencePage, type Spec } from "./reference/page.ts";
import { REFERENCE_STYLE } from "./reference/style.ts";

const root = resolve(import.meta.dirname, "..");
const assets = resolve(root, "assets");

/** The app has pages in JSX, which Node does not read: it is bundled first. */
const ENTRY = `
import { makeApp } from "./src/app.ts";
import { openApi } from "./src/openapi.ts";
export const document = openApi(makeApp().routes);
`;

/** workerd has it; Node 24 has it behind a switch. The app reads one constant by it when it is loaded. */
const FROM_BASE64 = `Uint8Array.fromBase64 ??= (text) => new Uint8Array(Buffer.from(text, "base64"));`;

export async function makeDocument(): Promise<Spec> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-openapi-"));
  const outfile = join(folder, "openapi.mjs");
  try {
    await build({
      stdin: { contents: ENTRY, resolveDir: root, loader: "ts" },
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node22",
      jsx: "automatic",
      jsxImportSource: "hono/jsx",
      banner: { js: FROM_BASE64 },
      logLevel: "warning",
    });
    const { document } = (await import(pathToFileURL(outfile).href)) as { document: Spec };
    return document;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A deployment has no reference page, so its files are not uploaded either. `command` is what wrangler builds for. */
export async function buildOpenApi(to = assets, command = process.env.WRANGLER_COMMAND): Promise<void> {
  const document = await makeDocument();
  put(join(to, "openapi.json"), JSON.stringify(document));
  const docs = join(to, "docs");
  if (command === "deploy" || command === "versions upload") {
    rmSync(docs, { recursive: true, force: true });
    return;
  }
  put(join(docs, "api.html"), referencePage(document));
  put(join(docs, "api.css"), REFERENCE_STYLE);
}
