/** Runs the `wrangler` on PATH for the operator's commands. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Run, Secrets } from "./deploy-plan.ts";

export const root = resolve(import.meta.dirname, "..");

let current: ChildProcess | undefined;

/** `quiet` keeps its output for the caller instead of the terminal. Secrets among our own variables are not handed on. */
export function wrangler(args: readonly string[], quiet = false): Promise<Run> {
  const { KEY_ENCRYPTION_KEY: _k, HANDLE_KEY: _h, PEPPER: _p, ADMIN_TOKEN: _a, ...environment } = process.env;
  const child = spawn("wrangler", args, {
    cwd: root,
    stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    env: { ...environment, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" },
  });
  current = child;
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? 1, out: code === 0 ? stdout : stdout + stderr }));
  });
}

/** The same, for what has to succeed. */
export async function must(args: readonly string[], quiet = false): Promise<string> {
  const { code, out } = await wrangler(args, quiet);
  if (code !== 0) throw new Error(`wrangler ${args.join(" ")} failed (${code})\n${out}`);
  return out;
}

/** Hands secrets over in a file that only its owner reads, and that is gone afterwards, also when `use` fails. */
export async function withSecretsFile<T>(secrets: Secrets, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-secrets-"));
  const file = join(folder, "secrets.json");
  try {
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command to its end; an interrupt ends wrangler first, so that what was written here is removed. */
export async function finish(main: () => Promise<void>): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => current?.kill(signal));
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
