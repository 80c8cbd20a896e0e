/**
 * Serves the Worker for tests in a process group of its own, with its own state, so that any number of servers can run beside each other
 * and one can be killed and started again on what it had written. It is what a deployment would run, on the bare runtime.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleWorker } from "../../scripts/dry-run.ts";
import { migrateLocal } from "../../scripts/migrate-local.ts";

const root = resolve(import.meta.dirname, "../..");
const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 10_000;

/** Set for a project: a folder with a migrated state and a bundled Worker. */
const SHARED = "WIRE_SHARED";
const stateIn = (folder: string) => join(folder, "state");
const bundleIn = (folder: string) => join(folder, "bundle");
/** Where a server of this folder prints. */
export const logIn = (dir: string) => join(dir, "log");

/** Builds the pages, bundles the Worker and migrates a state, for every server of the project; answers how to take the latter two away. */
export async function prepare(): Promise<() => void> {
  execFileSync(process.execPath, ["scripts/run.mjs", "build"], { cwd: root, stdio: "inherit" });
  const shared = mkdtempSync(join(tmpdir(), "countersign-shared-"));
  bundleWorker(bundleIn(shared));
  await migrateLocal(root, stateIn(shared), join(root, "node_modules/wrangler/bin/wrangler.js"));
  process.env[SHARED] = shared;
  return () => rmSync(shared, { recursive: true, force: true });
}

export type ServerOptions = {
  /** Start on what an earlier server left: its `dir`. */
  readonly dir?: string;
  /** Default: a free one. Give the earlier server's port to keep its issuer. */
  readonly port?: number;
  /** Over .dev.vars.example, e.g. `{ IP_LIMITS: "on" }`. */
  readonly vars?: Readonly<Record<string, string>>;
};

export type Server = {
  readonly origin: string;
  readonly port: number;
  readonly dir: string;
  /** What the server has printed so far. */
  log(): string;
  /** A clean stop; the state folder stays. */
  stop(): Promise<void>;
  /** SIGKILL to the whole process group, workerd included. */
  kill9(): Promise<void>;
  /** Removes the state folder. */
  remove(): void;
};

export async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => done(port));
    });
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

type Launched = {
  readonly dir: string;
  readonly shared: string;
  readonly port: number;
  readonly vars: Readonly<Record<string, string>>;
};

function launch({ dir, shared, port, vars }: Launched): ChildProcess {
  const log = openSync(logIn(dir), "a");
  return spawn(process.execPath, [join(import.meta.dirname, "serve-bare.ts")], {
    cwd: root,
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    env: {
      ...process.env,
      BUNDLE: bundleIn(shared),
      STATE: join(stateIn(dir), "v3"),
      PORT: String(port),
      VARS: JSON.stringify(vars),
      NODE_COMPILE_CACHE: join(shared, "compiled"),
      XDG_CONFIG_HOME: join(dir, "config"),
      WRANGLER_REGISTRY_PATH: join(dir, "registry"),
      WRANGLER_CACHE_DIR: join(dir, "cache"),
    },
  });
}

async function isHealthy(origin: string): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(5000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "countersign-"));
  mkdirSync(dir, { recursive: true });
  const shared = process.env[SHARED];
  if (shared === undefined) throw new Error("global-setup.ts has prepared nothing");
  if (!existsSync(stateIn(dir))) cpSync(stateIn(shared), stateIn(dir), { recursive: true });
  const port = options.port ?? (await freePort());
  const origin = `http://127.0.0.1:${port}`;
  const child = launch({ dir, shared, port, vars: options.vars ?? {} });
  const pid = child.pid;
  if (pid === undefined) throw new Error("the server could not be started");
  let exited = false;
  const exit = new Promise<void>((done) => {
    child.once("exit", () => {
      exited = true;
      done();
    });
  });
  child.unref();
  child.channel?.unref();

  const log = () => readFileSync(logIn(dir), "utf8");
  const kill9 = async () => {
    child.ref();
    signalGroup(pid, "SIGKILL");
    await exit;
  };
  const stop = async () => {
    child.ref();
    if (!exited) child.kill("SIGTERM");
    const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), STOP_WITHIN_MS);
    await exit;
    clearTimeout(timer);
    signalGroup(pid, "SIGKILL");
  };
  const remove = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });

  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await isHealthy(origin))) {
    if (exited || Date.now() > deadline) {
      const why = exited ? "ended before it was ready" : `was not ready within ${READY_WITHIN_MS} ms`;
      await kill9();
      throw new Error(`the server ${why}\n${log().slice(-4000)}`);
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return { origin, port, dir, log, stop, kill9, remove };
}
