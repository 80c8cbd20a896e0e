import { readdirSync, readlinkSync } from "node:fs";
import { memoryMib, treeOf } from "../processes.ts";

/** What a server held at one moment: its memory in MiB, and its open databases, which are its open objects and D1. */
export type Sample = { readonly second: number; readonly mib: number; readonly open: number };

const databasesOf = (pid: number): number => {
  try {
    const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return files.filter((file) => file.endsWith(".sqlite")).length;
  } catch {
    // It has just ended, or a file was closed in between.
    return 0;
  }
};

export const sampleOf = (pid: number, second: number): Sample => ({
  second,
  mib: Math.round(memoryMib(pid)),
  open: treeOf(pid).reduce((sum, one) => sum + databasesOf(one), 0),
});

/** Samples of one life of the runtime before this second are its way up. */
const WAY_UP_SECONDS = 60;
const GROWTH = 1.15;

/**
 * Whether memory levels off in one life of the runtime: past its way up, the mean of the last third is at most 15 % over that of the first.
 * The allocator keeps what it had at most, so memory does not fall. Undefined where the life was too short to say.
 */
export function levelsOff(life: readonly Sample[]): boolean | undefined {
  const first = life[0]?.second ?? 0;
  const steady = life.filter(({ second }) => second - first >= WAY_UP_SECONDS);
  const third = Math.floor(steady.length / 3);
  if (third < 8) return undefined;
  const mean = (samples: readonly Sample[]) =>
    samples.reduce((sum, { mib }) => sum + mib, 0) / samples.length;
  return mean(steady.slice(-third)) <= mean(steady.slice(0, third)) * GROWTH;
}
