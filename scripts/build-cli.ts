/**
 * Bundles the command line of packages/countersign. With `--server` also the server that the published package carries: the built
 * Worker, its files, and the scripts that start it and play the demo.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { bundleWorker } from "./dry-run.ts";

const root = resolve(import.meta.dirname, "..");
const dist = resolve(root, "packages/countersign/dist");
const server = join(dist, "server");

/** The licences of what is bundled ask for it. */
const QR = "/*! with uqr, MIT License, (c) Project Nayuki, (c) 2023 Anthony Fu */";
const JOSE = "/*! with jose, MIT License, (c) 2018 Filip Skokan */";

const pinned: string = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.wrangler;

async function bundle(entry: string, outfile: string, banner = ""): Promise<void> {
  await build({
    entryPoints: [resolve(root, entry)],
    outfile,
    banner: { js: banner },
    define: { WRANGLER_VERSION: JSON.stringify(pinned) },
    bundle: true,
    platform: "node",
    format: "esm",
    target: ["node20.12"],
  });
}

/** The deployment's configuration without its build: the Worker is built already. Throws when the file no longer looks as expected. */
export function carriedConfiguration(toml: string): string {
  const replaced = (text: string, from: RegExp, to: string): string => {
    if (!from.test(text)) throw new Error(`wrangler.toml has no ${from}`);
    return text.replace(from, to);
  };
  const bare = replaced(toml, /^(#[^\n]*\n)?\[build\]\n(?:.+\n)+/m, "");
  const built = replaced(bare, /^main = .*$/m, 'main = "worker/worker.js"\nno_bundle = true');
  return replaced(built, /^(minify|keep_names|upload_source_maps) = .*\n/gm, "").replace(/^#:schema.*\n/, "");
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args[0]} ended with ${status}`);
}

async function buildServer(): Promise<void> {
  rmSync(server, { recursive: true, force: true });
  mkdirSync(server, { recursive: true });
  const toml = readFileSync(join(root, "wrangler.toml"), "utf8");
  // Not by [build]: for a deployment it leaves the demo out.
  run(process.execPath, ["scripts/run.mjs", "build"]);
  bundleWorker(join(server, "worker"));
  for (const file of ["README.md", "worker.js.map"]) rmSync(join(server, "worker", file), { force: true });
  writeFileSync(join(server, "wrangler.toml"), carriedConfiguration(toml));
  cpSync(join(root, "assets"), join(server, "assets"), { recursive: true });
  cpSync(join(root, "migrations"), join(server, "migrations"), { recursive: true });
  cpSync(join(root, ".dev.vars.example"), join(server, ".dev.vars.example"));
  await bundle("scripts/start.ts", join(server, "scripts/start.mjs"));
  await bundle("scripts/demo.ts", join(server, "scripts/demo/demo.mjs"), JOSE);
}

await bundle("packages/countersign/src/cli/main.ts", join(dist, "cli/main.mjs"), QR);
if (process.argv.includes("--server")) await buildServer();
