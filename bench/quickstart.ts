/**
 * How long a stranger waits for the first approved sign-in, in new folders with an empty npm cache. Reported, not asserted.
 * Environment: NODE_BIN, the folder of the `node` and `npm` to start from (that of the `npm` on PATH outside of this repository).
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "countersign-quickstart-"));
const outside = (process.env.PATH ?? "").split(":").filter((each) => !each.includes("node_modules"));
const PATH = [...(process.env.NODE_BIN ? [process.env.NODE_BIN] : []), ...outside].join(":");

/** Runs one step; npm's own variables of this run do not reach it. */
function step(name: string, cwd: string, cache: string, command: string, args: readonly string[]): void {
  const own = Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key));
  const env = { ...Object.fromEntries(own), PATH, npm_config_cache: join(folder, cache), PORT: "18790" };
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${seconds.padStart(7)} s  ${name}`);
  if (status !== 0)
    throw new Error(`${name} ended with ${status}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
}

try {
  console.log(`Node ${spawnSync("node", ["--version"], { env: { PATH }, encoding: "utf8" }).stdout.trim()}`);
  console.log("A clone:");
  const clone = join(folder, "clone");
  step("git clone", folder, "a", "git", ["clone", "--quiet", "--no-local", root, clone]);
  step("npm ci", clone, "a", "npm", ["ci", "--no-audit", "--no-fund"]);
  step("npm run demo", clone, "a", "npm", ["run", "demo"]);
  step("(npm pack)", join(clone, "packages/countersign"), "a", "npm", ["pack", "--pack-destination", folder]);
  const packed = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
  const empty = join(folder, "empty");
  mkdirSync(empty);
  console.log("The package, in an empty folder:");
  const demo = ["--yes", "--package", join(folder, packed), "countersign", "demo"];
  step("npx countersign demo, the first time", empty, "b", "npx", demo);
  step("npx countersign demo, once more", empty, "b", "npx", demo);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
