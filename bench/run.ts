/**
 * `npm run bench`: every figure of the plan, beside the peers, on this machine. `--quick`: two to three minutes; names (flow, steady,
 * waiters, size, free-plan, counted) choose. Writes results/<date>.json and results/<date>.svg. Ends with 0 when every figure could be
 * measured; which ones fall short stands in the table.
 */
import { mkdirSync, writeFileSync } from "node:fs";
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

const outcomes: Outcome[] = [];
const load = loadavg()[0] ?? 0;
for (const [name, measure] of Object.entries(FIGURES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.error(name);
  // What the others have measured, for half an hour perhaps, is written all the same.
  try {
    outcomes.push(...(await measure(isQuick)));
  } catch (cause) {
    console.error(cause);
    outcomes.push({
      figure: name,
      says: "not measured",
      bar: "",
      met: false,
      data: { cause: String(cause) },
    });
    process.exitCode = 1;
  }
}

const date = new Date().toISOString().slice(0, 10);
const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? "?"}, load ${load.toFixed(1)} before it`;
console.log(`\n${date}, ${machine}${isQuick ? ", --quick" : ""}\n`);
console.log("| figure | measured | asked | |\n|---|---|---|---|");
for (const { figure, says, bar, met } of outcomes) {
  console.log(`| ${figure} | ${says} | ${bar} | ${met ? "met" : "**short**"} |`);
}

const folder = resolve(import.meta.dirname, "results");
mkdirSync(folder, { recursive: true });
const name = `${date}${isQuick ? "-quick" : ""}`;
writeFileSync(
  resolve(folder, `${name}.json`),
  `${JSON.stringify({ date, machine, isQuick, outcomes }, null, 2)}\n`,
);
const drawn = chart(outcomes, date);
if (drawn !== undefined) writeFileSync(resolve(folder, `${name}.svg`), drawn);
process.exit();
