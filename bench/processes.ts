/** Servers as processes of their own, and the CPU that they use, read from /proc. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

export type Started = Readonly<Record<string, unknown>> & { readonly origin: string };

export type Served = {
  readonly said: Started;
  readonly pid: number;
  stop(): Promise<void>;
  /** SIGKILL to it and all that it has started. */
  kill9(): Promise<void>;
};

const STOP_WITHIN = 5_000;

/** Starts a script of this folder; it is ready when it prints one line of JSON with its `origin`. */
export async function serve(script: string, env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, script)], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
    env: { ...process.env, ...env },
  });
  const said = await firstLine(child, script);
  const pid = child.pid ?? 0;
  const ended = new Promise((done) => child.once("exit", done));
  return {
    said,
    pid,
    async kill9() {
      killGroup(pid);
      await ended;
    },
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => killGroup(pid), STOP_WITHIN);
      await ended;
      clearTimeout(late);
      killGroup(pid);
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

function firstLine(child: ChildProcess, script: string): Promise<Started> {
  return new Promise((done, fail) => {
    if (!child.stdout) throw new Error("no output to read");
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) done(JSON.parse(line));
    });
    child.once("exit", (code) => fail(new Error(`${script} ended with ${code} before it was ready`)));
    child.once("error", fail);
  });
}

/** Clock ticks of Linux, as every architecture of ours has them. */
const TICKS_PER_SECOND = 100;

function statOf(pid: string): { readonly parent: number; readonly ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // A name may hold blanks and brackets: what follows the last bracket is numbers.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}

/** A process and all that it has started. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (stat) parents.set(Number(name), stat.parent);
  }
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const [pid, parent] of parents) if (tree.has(parent)) tree.add(pid);
  }
  return [...tree];
}

/** Milliseconds of CPU that a process and its children have used so far. */
export const cpuMs = (root: number): number =>
  treeOf(root).reduce((sum, pid) => sum + (statOf(String(pid))?.ticks ?? 0) * (1000 / TICKS_PER_SECOND), 0);

/** Resident memory of a process and its children, in MiB. */
export function memoryMib(root: number): number {
  let pages = 0;
  for (const pid of treeOf(root)) {
    try {
      pages += Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    } catch {
      // It has just ended.
    }
  }
  return (pages * 4096) / 2 ** 20;
}
