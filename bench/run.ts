/**
 * `npm run bench`: every figure of the plan, beside the peers, on this machine. `--quick`: two to three minutes; names (flow, steady,
 * waiters, size, free-plan, counted) choose, and the others of that day stay as they are. Writes results/<date>.json and
 * results/<date>.svg. Ends with 0 when every figure could be measured; which ones fall short stands in the table.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import { chart } from "./chart.ts";
import { countedFigures } from "./figure/counted.ts";
import { flowFigures } from "./figure/flow.ts";
import { freePlanFigures } from "./figure/free-plan.ts";
import type { Outcome } from "./figure/outcome.ts";
import { sizeFigures } from "./figure/size.ts";
import { steadyFigures } from "./figure/steady.ts";
import { waiterFigures } from "./figure/waiters.ts";

const FIGURES: Readonly<
  Record<string, (isQuick: boolean) => Promise<readonly Outcome[]> | readonly Outcome[]>
> = {
  flow: flowFigures,
  steady: steadyFigures,
  waiters: waiterFigures,
  size: sizeFigures,
  "free-plan": freePlanFigures,
  counted: countedFigures,
};

const args = process.argv.slice(2);
const isQuick = args.includes("--quick");
const names = args.filter((arg) => !arg.startsWith("--"));
for (const name of names)
  if (!FIGURES[name]) throw new Error(`no figure ${name}: ${Object.keys(FIGURES).join(", ")}`);

/** `group`: by which name it is chosen. `load`: the machine's before it began. */
type Measured = Outcome & { readonly group: string; readonly at: string; readonly load: number };

async function measured(group: string): Promise<readonly Measured[]> {
  const [load = 0] = loadavg();
  const from = { group, at: new Date().toISOString(), load };
  console.error(group);
  try {
    return ((await FIGURES[group]?.(isQuick)) ?? []).map((outcome) => ({ ...outcome, ...from }));
  } catch (cause) {
    // What the others have measured, for half an hour perhaps, is written all the same.
    console.error(cause);
    process.exitCode = 1;
    const data = { cause: String(cause) };
    return [{ figure: group, says: "not measured", bar: "", met: false, data, ...from }];
  }
}

const date = new Date().toISOString().slice(0, 10);
const folder = resolve(import.meta.dirname, "results");
const file = resolve(folder, `${date}${isQuick ? "-quick" : ""}`);

/** What that day's file says of a group that is not measured now. */
const before: readonly Measured[] =
  names.length > 0 && existsSync(`${file}.json`)
    ? JSON.parse(readFileSync(`${file}.json`, "utf8")).outcomes
    : [];

const outcomes: Measured[] = [];
for (const group of Object.keys(FIGURES)) {
  const isChosen = names.length === 0 || names.includes(group);
  outcomes.push(...(isChosen ? await measured(group) : before.filter((one) => one.group === group)));
}

const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? "?"}`;
console.log(`\n${date}, ${machine}${isQuick ? ", --quick" : ""}\n`);
console.log("| figure | measured | asked | |\n|---|---|---|---|");
for (const { figure, says, bar, met } of outcomes) {
  console.log(`| ${figure} | ${says} | ${bar} | ${met ? "met" : "**short**"} |`);
}

mkdirSync(folder, { recursive: true });
writeFileSync(`${file}.json`, `${JSON.stringify({ date, machine, isQuick, outcomes }, null, 2)}\n`);
const drawn = chart(outcomes, date);
if (drawn !== undefined) writeFileSync(`${file}.svg`, drawn);
process.exit();
