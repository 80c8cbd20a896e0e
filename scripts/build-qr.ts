/** Bundles what draws QR codes on waiting screens into `assets/qr.js`, which is not kept in git. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");

/** The licence of what is bundled asks for it. */
const BANNER = "/*! with uqr, MIT License, (c) Project Nayuki, (c) 2023 Anthony Fu */";

function held(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Writes the file when it has changed: a server that watches its files would begin anew for the same bytes. */
export async function buildQr(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [resolve(root, "scripts/qr/draw.ts")],
    banner: { js: BANNER },
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    write: false,
  });
  const text = outputFiles[0]?.text ?? "";
  const file = resolve(root, "assets/qr.js");
  if (held(file) !== text) writeFileSync(file, text);
}
