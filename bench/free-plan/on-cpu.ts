/** CPU of one process, exact to the nanosecond while its threads sleep: what Linux keeps for each thread in `schedstat`. */
import { readdirSync, readFileSync } from "node:fs";
import { treeOf } from "../processes.ts";

/** What follows an answer begins 20 ms after it (src/wiring.ts): once no thread has run for longer, that is done as well. */
const STILL_MS = 25;
const STILL_WITHIN_MS = 5_000;
const NANOSECONDS = 1e6;

/** The kernel or the process does not tell what was asked. */
export class NoCpuTimes extends Error {}

export type OnCpu = {
  /** Waits until the process is still, and answers the milliseconds of CPU so far. Throws when it is not within 5 s. */
  readonly still: () => Promise<number>;
};

/** Throws where the kernel keeps no such times: not Linux, or built without CONFIG_SCHED_INFO. */
function check(path: string): void {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // Said below.
  }
  if (/^[1-9]/.test(text)) return;
  throw new NoCpuTimes(
    "this kernel tells no thread's CPU time (schedstat): Linux with CONFIG_SCHED_INFO does",
  );
}

/** The CPU of a server's workerd, which is that of a process or of one that it has started. */
export function onCpuOf(server: number): OnCpu {
  check("/proc/self/schedstat");
  const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  const [pid, another] = treeOf(server).filter((each) => nameOf(each) === "workerd");
  if (pid === undefined || another !== undefined)
    throw new NoCpuTimes("not one workerd, but none or several");
  const folder = `/proc/${pid}/task`;
  const threads = () => readdirSync(folder);
  let known = threads();
  let rest: number | undefined;

  const used = () => {
    const now = threads();
    // What an ended thread has used is nowhere to be read.
    if (!known.every((thread) => now.includes(thread))) throw new NoCpuTimes("a thread of workerd has ended");
    known = now;
    const spent = now.map((thread) =>
      Number.parseInt(readFileSync(`${folder}/${thread}/schedstat`, "utf8"), 10),
    );
    return spent.reduce((sum, each) => sum + each, 0) / NANOSECONDS;
  };
  // A thread that runs has used more than is told yet; one that waits for the disk (D) goes on by itself.
  const isAsleep = () =>
    threads().every((thread) =>
      / S /.test(readFileSync(`${folder}/${thread}/stat`, "utf8").replace(/^.*\)/s, "")),
    );

  return {
    async still() {
      if (used() === rest && isAsleep()) return rest;
      const began = performance.now();
      let last = used();
      let since = began;
      for (;;) {
        await new Promise((wake) => setTimeout(wake, 1));
        const at = performance.now();
        const asleep = isAsleep();
        const now = used();
        if (now !== last || !asleep) [last, since] = [now, at];
        else if (at - since >= STILL_MS) {
          rest = now;
          return now;
        }
        if (at - began > STILL_WITHIN_MS) throw new NoCpuTimes("workerd did not come to rest");
      }
    },
  };
}
