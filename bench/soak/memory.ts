import { readdirSync, readlinkSync } from "node:fs";
import { memoryMib, treeOf } from "../processes.ts";

/** What the runtime held at one moment: its memory in MiB, and its open databases, which are its open objects, D1 and the queue. */
export type Sample = { readonly second: number; readonly mib: number; readonly open: number };

/** The runtime is what the process that serves has started. */
const runtimesOf = (server: number): readonly number[] => treeOf(server).filter((pid) => pid !== server);

const fileOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return "";
  }
};

function databasesOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).filter((fd) => fileOf(`${folder}/${fd}`).endsWith(".sqlite")).length;
  } catch {
    // It has just ended.
    return 0;
  }
}

export const openDatabases = (server: number): number =>
  runtimesOf(server).reduce((sum, pid) => sum + databasesOf(pid), 0);

export const sampleOf = (server: number, second: number): Sample => ({
  second,
  mib: runtimesOf(server).reduce((sum, pid) => sum + memoryMib(pid), 0),
  open: openDatabases(server),
});

/** Samples of one life of the runtime before this second are its way up. */
const WAY_UP_SECONDS = 60;
/** Fewest samples of a third: two minutes of them. */
const FEWEST = 24;
const GROWTH = 1.05;

/**
 * Whether memory levels off in one life of the runtime: past its way up, the mean of the last third is at most 5 % over that of the third
 * before. The allocators keep what they had at most, so memory does not fall. Undefined where the life was too short to say.
 */
export function levelsOff(life: readonly Sample[]): boolean | undefined {
  const first = life[0]?.second ?? 0;
  const steady = life.filter(({ second }) => second - first >= WAY_UP_SECONDS);
  const third = Math.floor(steady.length / 3);
  if (third < FEWEST) return undefined;
  const mean = (samples: readonly Sample[]) =>
    samples.reduce((sum, { mib }) => sum + mib, 0) / samples.length;
  return mean(steady.slice(-third)) <= mean(steady.slice(-2 * third, -third)) * GROWTH;
}
