import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** wrangler.toml without its `[build]`. */
export const withoutBuild = (toml: string): string => toml.replace(/^(#[^\n]*\n)?\[build\]\n(?:.+\n)+/m, "");

/**
 * Bundles the Worker into a folder as `wrangler deploy` does, and uploads nothing. The build of our pages is left out: for a deployment it
 * takes away the demo and the reference page, which a server of this checkout may be serving. Throws with what wrangler printed.
 */
export function bundleWorker(folder: string): void {
  const temporary = join(root, `wrangler.deploy-bundle-${process.pid}-${Date.now()}.toml`);
  writeFileSync(temporary, withoutBuild(readFileSync(join(root, "wrangler.toml"), "utf8")));
  try {
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    const args = ["deploy", "--dry-run", "--config", temporary, "--outdir", folder];
    const { status, stderr } = spawnSync(process.execPath, [wrangler, ...args], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true" },
    });
    if (status !== 0) throw new Error(`wrangler ended with ${status}: ${stderr}`);
  } finally {
    rmSync(temporary, { force: true });
  }
}
