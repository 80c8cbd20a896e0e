import { globSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "../../../..");
const library = resolve(root, "packages/countersign");

/** `npm ci` builds the package. Whoever has changed it since then would test what it was before. */
function checkBuilt(): void {
  for (const source of globSync(resolve(library, "src/*.ts"))) {
    const built = resolve(library, "dist/countersign/src", source.replace(/^.*\/(.*)\.ts$/, "$1.js"));
    const isOld = (statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0) < statSync(source).mtimeMs;
    if (isOld) throw new Error(`${source} is newer than what is built: npm run build -w countersign`);
  }
}

/** One module of this text, with the built package in it, as an app's own bundler would make it. */
export async function bundle(text: string): Promise<string> {
  checkBuilt();
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    format: "esm",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
