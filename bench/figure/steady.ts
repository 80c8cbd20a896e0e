/** B3: what is called all day, beside a bare route and a bare write on the same runtime. */
import { serve } from "../processes.ts";
import { type Load, load } from "./load.ts";
import { brief, median, type Outcome } from "./outcome.ts";

const OURS = { script: "subject/serve.ts", flows: ["jwks", "refresh", "introspect"] } as const;
const BARE = { script: "subject/hono/serve.ts", flows: ["bare-json", "bare-write"] } as const;

export async function steadyFigures(isQuick: boolean): Promise<readonly Outcome[]> {
  const amount = { inFlight: 16, rounds: isQuick ? 1_000 : 5_000, warmUp: isQuick ? 200 : 1_000 };
  const runs: Record<string, Load[]> = {};
  for (let turn = 0; turn < (isQuick ? 1 : 3); turn += 1) {
    for (const { script, flows } of [OURS, BARE]) {
      const server = await serve(script);
      try {
        for (const flow of flows) {
          const run = await load(flow, server, amount);
          runs[flow] = [...(runs[flow] ?? []), run];
          console.error(`  ${flow}: ${brief(run.perSecond)}/s, ${brief(run.cpuPerRound)} ms CPU`);
        }
      } finally {
        await server.stop();
      }
    }
  }
  const rate = (flow: string) => median((runs[flow] ?? []).map(({ perSecond }) => perSecond));
  const toBare = rate("jwks") / rate("bare-json");
  const toWrite = rate("refresh") / rate("bare-write");
  return [
    {
      figure: "B3 JWKS beside a bare route",
      says: `${brief(rate("jwks"))}/s, ${brief(toBare)} ×`,
      bar: "≥ 0.8 ×",
      met: toBare >= 0.8,
      data: { amount, runs },
    },
    {
      figure: "B3 refresh beside a bare write of an object",
      says: `${brief(rate("refresh"))}/s, ${brief(toWrite)} ×`,
      bar: "≥ 0.25 ×",
      met: toWrite >= 0.25,
      data: {},
    },
    {
      figure: "B3 introspection",
      says: `${brief(rate("introspect"))}/s`,
      bar: "published",
      met: true,
      data: {},
    },
  ];
}
