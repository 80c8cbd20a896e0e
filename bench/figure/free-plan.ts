/** B7: the CPU of single requests, each alone on the server. An upper bound: D1 and the objects are in the same process here. */
import { cotterScene } from "../free-plan/cotter.ts";
import { authsignalScene, loginidScene } from "../free-plan/doors.ts";
import { cibaScene, deviceScene, openScene } from "../free-plan/oauth.ts";
import { NoCpuTimes, onCpuOf } from "../free-plan/on-cpu.ts";
import { makeSteps, type Steps, spent } from "../free-plan/steps.ts";
import { serve } from "../processes.ts";
import { brief, type Outcome } from "./outcome.ts";

const BAR_MS = 10;
const SCENES = [openScene, cotterScene, cibaScene, deviceScene, loginidScene, authsignalScene];
/** Objects that nobody has asked for ten seconds are put away in anybody's turn: so much of it falls into as long a while. */
const NOTHING = "no request, 10 ms";

type Amount = { readonly rounds: number; readonly warmUp: number };

async function measure({ rounds, warmUp }: Amount): Promise<Steps["measured"]> {
  const server = await serve("subject/serve.ts");
  try {
    const steps = makeSteps(onCpuOf(server.pid));
    const place = { origin: server.said.origin, adminToken: String(server.said.adminToken) };
    const runs: (() => Promise<void>)[] = [];
    for (const scene of SCENES) runs.push(await scene(place, steps));
    for (let round = 0; round < warmUp + rounds; round += 1) {
      if (round === warmUp) steps.begin();
      for (const run of runs) await run();
      await steps.one(NOTHING, () => new Promise((wake) => setTimeout(wake, 10)));
    }
    return steps.measured;
  } finally {
    await server.stop();
  }
}

function outcomeOf(measured: Steps["measured"], amount: Amount): Pick<Outcome, "says" | "met" | "data"> {
  const rows = [...measured].map(([step, used]) => ({ step, ...spent(used) })).sort((a, b) => b.p99 - a.p99);
  for (const { step, mean, p50, p99, most } of rows) {
    const [a, b, c, d] = [p50, mean, p99, most].map(brief);
    console.error(`  ${step.padEnd(38)} p50 ${a}, mean ${b}, p99 ${c}, at most ${d} ms CPU`);
  }
  const sent = rows.filter(({ step }) => step !== NOTHING);
  const all = spent(sent.flatMap(({ step }) => measured.get(step) ?? []));
  const over = sent.filter(({ p99 }) => p99 > BAR_MS).length;
  const worst = sent[0];
  if (!worst) throw new Error("no step was measured");
  return {
    says: `${brief(worst.p99)} ms (${worst.step}), ${over} of ${sent.length} steps over ${BAR_MS} ms; of all requests p50 ${brief(all.p50)}, p99 ${brief(all.p99)} ms`,
    met: over === 0,
    data: { amount, all, rows },
  };
}

export async function freePlanFigures(isQuick: boolean): Promise<readonly Outcome[]> {
  const amount = isQuick ? { rounds: 5, warmUp: 10 } : { rounds: 120, warmUp: 80 };
  const about = {
    figure: "B7 p99 CPU of the dearest step, D1 and objects in it",
    bar: `≤ ${BAR_MS} ms on every route`,
  };
  try {
    return [{ ...about, ...outcomeOf(await measure(amount), amount) }];
  } catch (error) {
    if (!(error instanceof NoCpuTimes)) throw error;
    // The other figures are still told; the run ends with an error.
    console.error(`  ${error.message}`);
    process.exitCode = 1;
    return [{ ...about, says: `not measured: ${error.message}`, met: false, data: {} }];
  }
}
