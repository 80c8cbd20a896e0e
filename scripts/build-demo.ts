/** Bundles the demo (packages/demo) into `assets/demo/`, which is not kept in git and which the Worker hands out in development alone. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";
import { STYLE } from "../src/pages/style.ts";

const root = resolve(import.meta.dirname, "..");
const from = resolve(root, "packages/demo/src");
const to = resolve(root, "assets/demo");

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [resolve(from, entry)],
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** Writes a file when it has changed: a server that watches its files would begin anew for the same bytes. */
function put(name: string, text: string): void {
  const file = resolve(to, name);
  try {
    if (readFileSync(file, "utf8") === text) return;
  } catch {
    mkdirSync(to, { recursive: true });
  }
  writeFileSync(file, text);
}

/** A deployment has no demo, so its files are not uploaded either. */
export async function buildDemo(): Promise<void> {
  if (process.env.WRANGLER_COMMAND === "deploy" || process.env.WRANGLER_COMMAND === "versions upload") {
    rmSync(to, { recursive: true, force: true });
    return;
  }
  put("index.html", readFileSync(resolve(from, "index.html"), "utf8"));
  put("demo.css", STYLE + readFileSync(resolve(from, "demo.css"), "utf8"));
  put("demo.js", await bundle("demo.ts"));
  put("watch.js", await bundle("watch.ts"));
}
