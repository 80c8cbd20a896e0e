import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");
const READY_WITHIN_MS = 90_000;

/** A Worker that is not ours: an example, or an app. */
export type ServedWorker = {
  log(): string;
  stop(): Promise<void>;
};

/** Serves the Worker of a folder with a wrangler.toml in workerd. It is ready when its root is answered with anything below 500. */
export async function serveWorker(options: {
  readonly folder: string;
  readonly port: number;
  readonly vars?: Readonly<Record<string, string>>;
}): Promise<ServedWorker> {
  const { folder, port, vars = {} } = options;
  const dir = mkdtempSync(join(tmpdir(), "countersign-worker-"));
  const out = openSync(join(dir, "log"), "a");
  const log = () => readFileSync(join(dir, "log"), "utf8");
  const child = spawn(
    process.execPath,
    [
      resolve(root, "node_modules/wrangler/bin/wrangler.js"),
      ...["dev", "--config", "wrangler.toml", "--ip", "127.0.0.1", "--port", String(port)],
      ...[
        "--inspector-port",
        "0",
        "--persist-to",
        join(dir, "state"),
        "--show-interactive-dev-session=false",
      ],
      ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ],
    {
      cwd: folder,
      detached: true,
      stdio: ["ignore", out, out],
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_HIDE_BANNER: "true",
        WRANGLER_REGISTRY_PATH: join(dir, "registry"),
        WRANGLER_CACHE_DIR: join(dir, "cache"),
        XDG_CONFIG_HOME: join(dir, "config"),
      },
    },
  );
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const stop = async () => {
    endGroup(child);
    await ended;
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await isThere(`http://127.0.0.1:${port}/`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = log().slice(-4_000);
      await stop();
      throw new Error(`the Worker did not start\n${said}`);
    }
    await new Promise((wake) => setTimeout(wake, 200));
  }
  return { log, stop };
}

/** Wrangler and the runtime that it has started. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function isThere(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status < 500;
  } catch {
    return false;
  }
}
