/** What the machine and its limits still have room for. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { treeOf } from "../processes.ts";

/** An object that nobody calls is put to sleep after ten seconds, and its file is closed. */
export const SLEEP_MS = 12_000;
const TRIES = 4;
const LEAST_MIB = 1_024;

/**
 * What stands in the way of more waiters, looked at again while sleep may still make room: open files of a process of the server or of this
 * one, fewer than `reserve` of them left, or the machine's memory. Undefined: nothing.
 */
export async function lackOf(server: number, reserve: number): Promise<string | undefined> {
  for (let tries = 1; ; tries += 1) {
    const missing = lackNow(server, reserve);
    if (missing === undefined || tries === TRIES) return missing;
    await pause(SLEEP_MS);
  }
}

function lackNow(server: number, reserve: number): string | undefined {
  for (const pid of [...treeOf(server), process.pid]) {
    const files = filesOf(pid);
    if (files && files.limit - files.open < reserve) {
      const whose = pid === process.pid ? "the load generator" : "the server's process";
      return `${whose} may open ${files.limit} files`;
    }
  }
  const free = Number(/^MemAvailable: +(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) / 1024;
  return free < LEAST_MIB ? `${Math.round(free)} MiB of memory are left` : undefined;
}

function filesOf(pid: number): { readonly open: number; readonly limit: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/limits`, "utf8");
    const limit = Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
    return { open: readdirSync(`/proc/${pid}/fd`).length, limit };
  } catch {
    // It has just ended.
    return undefined;
  }
}
