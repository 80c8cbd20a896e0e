import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Served } from "../processes.ts";

export type Load = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuPerRound: number;
};

export type Amount = { readonly inFlight: number; readonly rounds: number; readonly warmUp: number };

/** Runs the load generator in a process of its own. It ends with an error when one flow is wrong. */
export function load(flow: string, { said, pid }: Served, amount: Amount): Promise<Load> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, "../load/run.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      FLOW: flow,
      ORIGIN: said.origin,
      ADMIN_TOKEN: String(said.adminToken ?? ""),
      SERVER_PID: String(pid),
      IN_FLIGHT: String(amount.inFlight),
      ROUNDS: String(amount.rounds),
      WARM_UP: String(amount.warmUp),
    },
  });
  return new Promise((done, fail) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", fail);
    child.once("close", (code) => {
      if (code === 0) done(JSON.parse(text));
      else fail(new Error(`the flow ${flow} ended with ${code}`));
    });
  });
}
