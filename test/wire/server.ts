/**
 * Serves the Worker for tests in a process group of its own, with its own state, so that any number of servers can run beside each other
 * and one can be killed and started again on what it had written. A project's first server is that of `npm start`; further ones are what
 * a deployment would run, on the bare runtime.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bundleWorker } from "../../scripts/dry-run.ts";

const root = resolve(import.meta.dirname, "../..");
const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 10_000;

/** Set by the project's first server: a folder with a migrated state and a bundled Worker, for all further ones. */
const SHARED = "WIRE_SHARED";
const stateIn = (folder: string) => join(folder, "state");
const bundleIn = (folder: string) => join(folder, "bundle");
/** Where a server of this folder prints. */
export const logIn = (dir: string) => join(dir, "log");

/** Leaves the tables and no row: a deployment makes its own keys. */
function emptyTables(file: string): void {
  const database = new DatabaseSync(file);
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  for (const { name } of tables) {
    if (!/^(d1_|_cf|sqlite_)/.test(String(name))) database.exec(`delete from "${name}"`);
  }
  database.close();
}

/** Keeps the migrated state of a server that has served nobody yet; answers how to forget it. */
export function shareState({ dir }: Server): () => void {
  const shared = mkdtempSync(join(tmpdir(), "countersign-shared-"));
  cpSync(stateIn(dir), stateIn(shared), { recursive: true });
  const databases = globSync(join(stateIn(shared), "v3/d1/*/*.sqlite"));
  if (databases.length === 0) throw new Error("no database to share");
  for (const file of databases) emptyTables(file);
  bundleWorker(bundleIn(shared));
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
  readonly port: number;
  readonly vars: Readonly<Record<string, string>>;
};

/** By `npm start`, whatever a developer's own values are: the example's count. */
const byStart = ({ dir, port, vars }: Launched) => ({
  args: [
    resolve(root, "scripts/start.ts"),
    ...["--env-file", ".dev.vars.example"],
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ],
  env: { PORT: String(port), STATE_DIR: stateIn(dir), INSPECTOR_PORT: "0" },
});

const bare = ({ dir, port, vars }: Launched, shared: string) => ({
  args: [join(import.meta.dirname, "serve-bare.ts")],
  env: {
    BUNDLE: bundleIn(shared),
    STATE: join(stateIn(dir), "v3"),
    PORT: String(port),
    VARS: JSON.stringify(vars),
    NODE_COMPILE_CACHE: join(shared, "compiled"),
  },
});

function launch(launched: Launched): ChildProcess {
  const { dir } = launched;
  const log = openSync(logIn(dir), "a");
  const { ISSUER: _inherited, [SHARED]: shared, ...environment } = process.env;
  const { args, env } = shared === undefined ? byStart(launched) : bare(launched, shared);
  return spawn(process.execPath, args, {
    cwd: root,
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    env: {
      ...environment,
      ...env,
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
  // The project's first server has migrated it.
  if (shared !== undefined && !existsSync(stateIn(dir)))
    cpSync(stateIn(shared), stateIn(dir), { recursive: true });
  const port = options.port ?? (await freePort());
  const origin = `http://127.0.0.1:${port}`;
  const child = launch({ dir, port, vars: options.vars ?? {} });
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
