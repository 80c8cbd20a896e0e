/**
 * Serves the Worker on this machine: makes .dev.vars when missing, migrates the local database, runs `wrangler dev`.
 *
 * Environment: PORT (8787), ISSUER (http://127.0.0.1:PORT), STATE_DIR (.wrangler/state), INSPECTOR_PORT (0: any free).
 * Further arguments go to `wrangler dev` as they are, e.g. `npm start -- --var IP_LIMITS:on`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants, copyFileSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const port = Number(process.env.PORT || 8787);
const origin = `http://127.0.0.1:${port}`;
const issuer = process.env.ISSUER || origin;
const stateDir = resolve(root, process.env.STATE_DIR || ".wrangler/state");

let current: ChildProcess | undefined;
let stopping = false;

function wrangler(args: readonly string[]): Promise<number> {
  if (stopping) return Promise.resolve(130);
  const child = spawn(process.execPath, [resolve(root, "node_modules/wrangler/bin/wrangler.js"), ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  current = child;
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => done(code ?? 1));
  });
}

function stop(signal: NodeJS.Signals): void {
  stopping = true;
  current?.kill(signal);
}

function makeDevVars(): void {
  try {
    copyFileSync(resolve(root, ".dev.vars.example"), resolve(root, ".dev.vars"), constants.COPYFILE_EXCL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Asked before anything is started: an occupied port would answer /healthz in our place. */
function portIsFree(): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once("error", () => done(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });
}

async function health(): Promise<{ ready: boolean; reason?: string }> {
  try {
    const answer = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(5000) });
    const text = await answer.text();
    return answer.status === 200 ? { ready: true } : { ready: false, reason: `${answer.status} ${text}` };
  } catch {
    return { ready: false };
  }
}

async function announce(isServing: () => boolean): Promise<void> {
  const warnAt = Date.now() + 15_000;
  let warned = false;
  while (isServing()) {
    const { ready, reason } = await health();
    if (ready && isServing()) {
      console.log(`Countersign is ready on ${origin}`);
      return;
    }
    if (reason && !warned && Date.now() > warnAt) {
      warned = true;
      console.error(`Countersign is not ready: /healthz answers ${reason}`);
    }
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

async function main(): Promise<number> {
  if (!(await portIsFree())) {
    console.error(`Port ${port} is taken. Choose another: PORT=9000 npm start`);
    return 1;
  }
  makeDevVars();
  const migrated = await wrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateDir]);
  if (migrated !== 0) return migrated;
  let serving = true;
  const served = wrangler([
    ...["dev", "--ip", "127.0.0.1", "--port", String(port)],
    ...["--inspector-port", process.env.INSPECTOR_PORT || "0"],
    ...["--persist-to", stateDir, "--var", `ISSUER:${issuer}`, "--show-interactive-dev-session=false"],
    ...process.argv.slice(2),
  ]).finally(() => {
    serving = false;
  });
  void announce(() => serving);
  return await served;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(signal));
// A test runner that dies takes its server with it.
process.once("disconnect", () => stop("SIGTERM"));
process.exit(await main());
