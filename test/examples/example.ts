import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { inject } from "vitest";
import type { Stage } from "../wire/sdk/stage.ts";
import { freePort } from "../wire/server.ts";

const examples = resolve(import.meta.dirname, "../../examples");

/** Examples have their own lockfile. What is not installed fails here, and is not skipped. */
if (!existsSync(`${examples}/node_modules/countersign`)) {
  throw new Error("The examples are not installed. Run: npm ci --prefix examples");
}

export const stage = (): Stage => ({ origin: inject("origin"), adminToken: inject("adminToken") });

export type Running = {
  /** Where the example serves. */
  readonly origin: string;
  /** What it has printed so far. */
  output(): string;
  /** The first of what it prints that fits; fails when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, once it has ended by itself. */
  ended(): Promise<number | null>;
  stop(): Promise<void>;
};

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** `npm start` in the folder of an example, as its README says, against the server of the tests. */
export async function startExample(
  name: string,
  {
    args = [],
    env = {},
  }: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Running> {
  const port = await freePort();
  const child = spawn("npm", ["start", "--silent", ...(args.length > 0 ? ["--", ...args] : [])], {
    cwd: resolve(examples, name),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ISSUER: stage().origin, PORT: String(port), NEXT_TELEMETRY_DISABLED: "1", ...env },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  let hasEnded = false;
  const end = new Promise<number | null>((done) => {
    child.on("close", (code) => {
      hasEnded = true;
      done(code);
    });
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    output: () => printed,
    async says(pattern) {
      for (;;) {
        const found = pattern.exec(printed);
        if (found) return found;
        if (hasEnded) throw new Error(`${name} ended without saying ${pattern}:\n${printed}`);
        await new Promise((wake) => setTimeout(wake, 50));
      }
    },
    ended: () => end,
    async stop() {
      signalGroup(child, "SIGTERM");
      const late = setTimeout(() => signalGroup(child, "SIGKILL"), 5000);
      await end;
      clearTimeout(late);
      signalGroup(child, "SIGKILL");
    },
  };
}
