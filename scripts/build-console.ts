/** Bundles the operator's pages (packages/console) into `assets/console.html` and `assets/console/`, which are not kept in git. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, transform } from "esbuild";
import { CONSOLE_STYLE } from "../packages/console/style.ts";
import { STYLE } from "../src/pages/style.ts";
import { put } from "./put.ts";

const root = resolve(import.meta.dirname, "..");
const from = resolve(root, "packages/console");

export async function buildConsole(to = resolve(root, "assets")): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join(from, "src/main.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    charset: "utf8",
    write: false,
  });
  const { code } = await transform(STYLE + CONSOLE_STYLE, { loader: "css", minify: true });
  put(join(to, "console.html"), readFileSync(join(from, "static/console.html"), "utf8"));
  put(join(to, "console/app.css"), code);
  put(join(to, "console/app.js"), outputFiles[0]?.text ?? "");
}
