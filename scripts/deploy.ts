/**
 * `ISSUER=https://sign.example npm run deploy`: makes what is missing (database, queues, secrets), migrates, deploys.
 * Running it again changes nothing but the code. wrangler finds the account by `wrangler login` or CLOUDFLARE_API_TOKEN.
 *
 * The real database id goes into wrangler.deploy.toml, which git ignores: wrangler.toml stays as it was checked out.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as plan from "./deploy-plan.ts";

const root = resolve(import.meta.dirname, "..");
const config = resolve(root, "wrangler.deploy.toml");

let current: ChildProcess | undefined;

/** Runs the `wrangler` on PATH; `quiet` keeps its output for the caller instead of the terminal. */
function wrangler(args: readonly string[], quiet = false): Promise<plan.Run> {
  const child = spawn("wrangler", args, {
    cwd: root,
    stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" },
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

async function must(args: readonly string[], quiet = false): Promise<string> {
  const { code, out } = await wrangler(args, quiet);
  if (code !== 0) throw new Error(`wrangler ${args.join(" ")} failed (${code})\n${out}`);
  return out;
}

async function database(): Promise<string> {
  const find = async () => plan.findDatabaseId(await must(["d1", "list", "--json"], true), plan.DATABASE);
  const existing = await find();
  if (existing) return existing;
  await must(["d1", "create", plan.DATABASE, "--update-config=false"]);
  const made = await find();
  if (!made) throw new Error(`the database ${plan.DATABASE} was made but is not listed`);
  return made;
}

async function queues(): Promise<void> {
  for (const queue of plan.QUEUES) {
    if (plan.isMissingQueue(await wrangler(["queues", "info", queue], true))) {
      await must(["queues", "create", queue]);
    }
  }
}

async function release(secrets: Readonly<Record<string, string>>, vars: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-secrets-"));
  const file = join(folder, "secrets.json");
  try {
    const names = Object.keys(secrets);
    if (names.length > 0) writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    const given = names.length > 0 ? ["--secrets-file", file] : [];
    await must(["deploy", "--config", config, ...given, ...vars]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const toml = readFileSync(resolve(root, "wrangler.toml"), "utf8");
  const listed = await wrangler(["secret", "list", "--format", "json"], true);
  const missing = plan.missingSecrets(listed);
  const vars = plan.issuerArguments(process.env.ISSUER, toml, plan.isNewWorker(listed));
  writeFileSync(config, plan.withDatabaseId(toml, await database()));
  await queues();
  await must(["d1", "migrations", "apply", "DB", "--remote", "--config", config]);
  const secrets = plan.makeSecrets(missing, () => randomBytes(32));
  await release(secrets, vars);
  if (missing.length > 0) console.log(`Made these secrets: ${missing.join(", ")}`);
  if (secrets.ADMIN_TOKEN) console.log(`ADMIN_TOKEN, shown this once: ${secrets.ADMIN_TOKEN}`);
}

// An interrupt ends wrangler, then what was written here is removed.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => current?.kill(signal));
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
