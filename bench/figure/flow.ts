/** B2: whole sign-ins a second and their CPU, beside the peers, in turns: A B A B. */
import { serve } from "../processes.ts";
import { type Amount, type Load, load } from "./load.ts";
import { brief, median, type Outcome } from "./outcome.ts";

type Contender = {
  readonly name: string;
  readonly script: string;
  readonly flow: string;
  readonly env?: Readonly<Record<string, string>>;
};

const OURS: Contender = { name: "Countersign, Cotter sign-in", script: "subject/serve.ts", flow: "cotter" };
const BETTER_AUTH: Contender = {
  name: "better-auth, device grant, SQLite",
  script: "peers/better-auth.ts",
  flow: "better-auth",
};
const OIDC: Contender = {
  name: "node-oidc-provider, CIBA, SQLite",
  script: "peers/oidc-provider.ts",
  flow: "oidc-provider",
};
const CALLS: Contender = {
  name: "a Cotter sign-in's calls and rows, with nothing else",
  script: "subject/calls/serve.ts",
  flow: "calls",
};
const OPENAUTH: Contender = {
  name: "OpenAuth, code + PKCE, KV on the same workerd",
  script: "peers/openauth.ts",
  flow: "openauth",
};
const CONTENDERS: readonly Contender[] = [
  OURS,
  BETTER_AUTH,
  CALLS,
  { name: "Countersign, CIBA", script: "subject/serve.ts", flow: "ciba" },
  OIDC,
  OPENAUTH,
  {
    name: "node-oidc-provider, CIBA, in memory (not durable)",
    script: "peers/oidc-provider.ts",
    flow: "oidc-provider",
    env: { STORE: "memory" },
  },
];

const CPU_BAR_MS = 4.5;

type Runs = ReadonlyMap<Contender, readonly Load[]>;

/** Each contender's runs, for each amount; each turn of one has a server of its own, so none begins on another's data. */
async function measure(amounts: readonly Amount[], turns: number): Promise<readonly Runs[]> {
  const runs = amounts.map(() => new Map<Contender, Load[]>(CONTENDERS.map((contender) => [contender, []])));
  for (let turn = 0; turn < turns; turn += 1) {
    for (const contender of CONTENDERS) {
      const server = await serve(contender.script, contender.env);
      try {
        for (const [index, amount] of amounts.entries()) {
          const run = await load(contender.flow, server, amount);
          runs[index]?.get(contender)?.push(run);
          console.error(
            `  ${contender.name}, ${amount.inFlight} in flight: ${brief(run.perSecond)}/s, ${brief(run.cpuPerRound)} ms CPU, p50 ${brief(run.p50)} ms, p99 ${brief(run.p99)} ms`,
          );
        }
      } finally {
        await server.stop();
      }
    }
  }
  return runs;
}

const of = (runs: Runs, contender: Contender, what: keyof Load): number =>
  median((runs.get(contender) ?? []).map((run) => run[what]));

const ratio = (runs: Runs, peer: Contender, whose = OURS): number =>
  of(runs, whose, "perSecond") / of(runs, peer, "perSecond");

const rowsOf = (runs: Runs) =>
  CONTENDERS.map((contender) => ({
    name: contender.name,
    perSecond: of(runs, contender, "perSecond"),
    cpuPerRound: of(runs, contender, "cpuPerRound"),
    p50: of(runs, contender, "p50"),
    p99: of(runs, contender, "p99"),
    runs: runs.get(contender),
  }));

/** With more at once: published. A quick run has none. */
function crowdedFigures(amount: Amount | undefined, runs: Runs | undefined): readonly Outcome[] {
  if (!amount || !runs) return [];
  const peers = [BETTER_AUTH, OIDC, OPENAUTH].map((peer) => `${brief(ratio(runs, peer))} ×`).join(", ");
  return [
    {
      figure: `B2 flows/s, ${amount.inFlight} in flight, beside better-auth, node-oidc-provider and OpenAuth`,
      says: `${brief(of(runs, OURS, "perSecond"))}/s, ${brief(of(runs, OURS, "cpuPerRound"))} ms CPU, p99 ${brief(of(runs, OURS, "p99"))} ms; ${peers}`,
      bar: "published",
      met: true,
      data: { amount, rows: rowsOf(runs) },
    },
  ];
}

export async function flowFigures(isQuick: boolean): Promise<readonly Outcome[]> {
  const amount = isQuick
    ? { inFlight: 16, rounds: 300, warmUp: 60 }
    : { inFlight: 16, rounds: 600, warmUp: 100 };
  const crowded = isQuick ? undefined : { inFlight: 64, rounds: 600, warmUp: 64 };
  const measured = await measure(crowded ? [amount, crowded] : [amount], isQuick ? 1 : 3);
  const [runs = new Map(), crowdedRuns] = measured;
  const toBetter = ratio(runs, BETTER_AUTH);
  const toOidc = ratio(runs, OIDC);
  const cpu = of(runs, OURS, "cpuPerRound");
  return [
    {
      figure: "B2 flows/s beside better-auth",
      says: `${brief(of(runs, OURS, "perSecond"))}/s, ${brief(toBetter)} ×`,
      bar: "≥ 1 ×, aiming at 2 ×",
      met: toBetter >= 1,
      data: { amount, rows: rowsOf(runs) },
    },
    {
      figure: "B2 flows/s beside node-oidc-provider, durable",
      says: `${brief(toOidc)} ×`,
      bar: "≥ 1 ×",
      met: toOidc >= 1,
      data: {},
    },
    {
      figure: "B2 flows/s beside OpenAuth, same workerd",
      says: `${brief(ratio(runs, OPENAUTH))} ×`,
      bar: "published",
      met: true,
      data: {},
    },
    {
      figure: "B2 CPU of a flow",
      says: `${brief(cpu)} ms, ${brief(cpu / of(runs, BETTER_AUTH, "cpuPerRound"))} × better-auth's`,
      bar: `≤ ${CPU_BAR_MS} ms`,
      met: cpu <= CPU_BAR_MS,
      data: {},
    },
    {
      figure: "B2 the same calls to D1 and objects, with nothing else in them",
      says: `${brief(of(runs, CALLS, "perSecond"))}/s, ${brief(of(runs, CALLS, "cpuPerRound"))} ms CPU; ${brief(ratio(runs, BETTER_AUTH, CALLS))} × better-auth, ${brief(ratio(runs, OIDC, CALLS))} × node-oidc-provider`,
      bar: "published",
      met: true,
      data: {},
    },
    ...crowdedFigures(crowded, crowdedRuns),
  ];
}
