import type { Difference } from "./ledger.ts";
import { levelsOff, type Sample } from "./memory.ts";
import type { Run } from "./traffic.ts";
import type { Way } from "./way.ts";

type Outcome = {
  readonly run: Run;
  readonly ways: readonly Way[];
  /** Samples of each life of the runtime. */
  readonly lives: readonly (readonly Sample[])[];
  readonly seconds: number;
  readonly differ: readonly Difference[];
  /** Databases that were open after a silence, and how many of them are no fault. */
  readonly stayOpen: number;
  readonly mayStayOpen: number;
};

const SHOWN = 12;
const MOST_LINES = 20;

/** Prints how it went, and last what is wrong; answers how much that is. */
export function report({ run, ways, lives, seconds, differ, stayOpen, mayStayOpen }: Outcome): number {
  const { ledger, used, faults } = run;
  const by = (way: Way) => ledger.filter(({ way: { name } }) => name === way.name);
  const collected = (way: Way) => by(way).filter(({ results }) => results.size === 1).length;
  const denied = (way: Way) => by(way).filter(({ decision }) => decision === "denied").length;
  console.log(
    `${ledger.length} sign-ins in ${seconds} s, two kills; ${used} refreshed; collected and declined:`,
  );
  for (const way of ways) console.log(`  ${way.name}: ${collected(way)}, ${denied(way)}`);
  for (const [index, life] of lives.entries()) {
    const each = Math.max(1, Math.floor(life.length / SHOWN));
    const shown = life.filter((_, at) => at % each === 0);
    const texts = shown.map(({ mib, open }) => `${Math.round(mib)}/${open}`);
    console.log(`life ${index + 1}, MiB/open databases: ${texts.join(" ")}`);
  }
  console.log(`open once nobody called: ${stayOpen}`);
  const grows = lives.filter((life) => levelsOff(life) === false).length;
  const empty = ways.filter((way) => collected(way) === 0).map(({ name }) => `nothing collected: ${name}`);
  const bad = [...faults.map((fault) => `fault: ${fault}`), ...differ.map(({ says }) => says), ...empty];
  if (stayOpen > mayStayOpen) bad.push(`${stayOpen} databases stay open though nobody calls`);
  if (grows > 0) bad.push(`memory did not level off in ${grows} of ${lives.length} lives`);
  for (const line of bad.slice(0, MOST_LINES)) console.log(line);
  console.log(bad.length === 0 ? "nothing lost, nothing twice" : `${bad.length} differences`);
  return bad.length;
}
