import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
/** `.mjs` where both are bundled (scripts/build-cli.ts). */
const START = resolve(root, `scripts/start${extname(import.meta.filename)}`);
const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 10_000;

/** A server for one run of the demo. Everything that it writes lies in one temporary folder. */
export type OwnServer = {
  readonly origin: string;
  /** Rejects when the server ends before it is ready. */
  readonly ready: Promise<void>;
  /** Ends the server and removes its folder. May be called again, and while the server starts. */
  stop(): Promise<void>;
};

/** Starts a server on a free port, with the values of `.dev.vars.example`. */
export async function startOwnServer(): Promise<OwnServer> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const dir = mkdtempSync(join(tmpdir(), "countersign-demo-"));
  const child = launch(dir, port);
  let ended = false;
  const end = new Promise<void>((done) => {
    child.once("error", done);
    child.once("exit", () => done());
  }).then(() => {
    ended = true;
  });
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => killGroup(child), STOP_WITHIN_MS);
    await end;
    clearTimeout(timer);
    // What the server had started itself is in its group.
    killGroup(child);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const ready = untilReady(origin, () => ended).catch((error: unknown) => {
    if (stopped) throw error;
    throw new Error(`${error}\n${readFileSync(join(dir, "log"), "utf8").slice(-4_000)}`);
  });
  // Looked at by whoever waits for it; a stop may come first.
  ready.catch(() => undefined);
  return {
    origin,
    ready,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

function launch(dir: string, port: number): ChildProcess {
  const log = openSync(join(dir, "log"), "a");
  const { ISSUER: _issuer, ...environment } = process.env;
  return spawn(process.execPath, [START, "--env-file", ".dev.vars.example"], {
    cwd: root,
    // A group of its own: Ctrl-C reaches the demo alone, which then stops it.
    detached: true,
    // By the channel it learns that the demo is gone, however that came.
    stdio: ["ignore", log, log, "ipc"],
    env: {
      ...environment,
      PORT: String(port),
      INSPECTOR_PORT: "0",
      STATE_DIR: join(dir, "state"),
      TMPDIR: dir,
      XDG_CONFIG_HOME: join(dir, "config"),
      WRANGLER_REGISTRY_PATH: join(dir, "registry"),
      WRANGLER_CACHE_DIR: join(dir, "cache"),
    },
  });
}

async function untilReady(origin: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await isHealthy(origin))) {
    if (hasEnded()) throw new Error("The demo's server ended before it was ready.");
    if (Date.now() > deadline) throw new Error("The demo's server was not ready in time.");
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

async function isHealthy(origin: string): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(5_000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => done(port));
    });
  });
}
