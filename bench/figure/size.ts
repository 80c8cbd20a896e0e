/** B6: the bundle, and the CPU of a start. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cpuMs, serve } from "../processes.ts";
import { bundle, ROOT } from "../subject/bare.ts";
import { brief, median, type Outcome } from "./outcome.ts";

const KIB = 1024;
const SIZE_BAR_KIB = 500;
const START_BAR_MS = 100;

function bundleKib(): number {
  const folder = bundle(join(ROOT, "wrangler.toml"));
  try {
    return gzipSync(readFileSync(join(folder, "worker.js")), { level: 9 }).length / KIB;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU until the first answer, less that of a Worker with next to nothing in it. */
async function startCpu(turns: number): Promise<number> {
  const cost = async (script: string, path: string) => {
    const server = await serve(script);
    try {
      const before = cpuMs(server.pid);
      await fetch(`${server.said.origin}${path}`).then((answer) => answer.arrayBuffer());
      return cpuMs(server.pid) - before;
    } finally {
      await server.stop();
    }
  };
  const ours: number[] = [];
  const bare: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    ours.push(await cost("subject/serve.ts", "/.well-known/openid-configuration"));
    bare.push(await cost("subject/hono/serve.ts", "/json"));
  }
  return median(ours) - median(bare);
}

export async function sizeFigures(isQuick: boolean): Promise<readonly Outcome[]> {
  const kib = bundleKib();
  const start = await startCpu(isQuick ? 1 : 5);
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: ROOT,
    encoding: "utf8",
  }).trim();
  return [
    {
      figure: "B6 bundle, gzip",
      says: `${brief(kib)} KiB`,
      bar: `≤ ${SIZE_BAR_KIB} KiB`,
      met: kib <= SIZE_BAR_KIB,
      data: { commit },
    },
    {
      figure: "B6 CPU of a start, over a bare Worker's",
      says: `${brief(start)} ms`,
      bar: `≤ ${START_BAR_MS} ms`,
      met: start <= START_BAR_MS,
      data: {},
    },
  ];
}
