/** Bundles the demo (packages/demo) into `assets/demo/`, which is not kept in git and which the Worker hands out in development alone. */
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { STYLE } from "../src/pages/style.ts";
import { put } from "./put.ts";

const root = resolve(import.meta.dirname, "..");
const from = resolve(root, "packages/demo/src");
const assets = resolve(root, "assets/demo");

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(from, entry)],
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** A deployment has no demo, so its files are not uploaded either. `command` is what wrangler builds for. */
export async function buildDemo(to = assets, command = process.env.WRANGLER_COMMAND): Promise<void> {
  if (command === "deploy" || command === "versions upload") {
    rmSync(to, { recursive: true, force: true });
    return;
  }
  put(join(to, "index.html"), readFileSync(join(from, "index.html"), "utf8"));
  put(join(to, "demo.css"), STYLE + readFileSync(join(from, "demo.css"), "utf8"));
  put(join(to, "demo.js"), await bundle("demo.ts"));
  put(join(to, "watch.js"), await bundle("watch.ts"));
}
