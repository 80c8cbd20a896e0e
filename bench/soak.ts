/**
 * Mixed traffic through the doors for SECONDS (1,800; `--quick`: 60), the runtime killed and started again twice in the middle. Afterwards
 * what the clients saw is held against what the server has: each approval that was answered has its result, each result its one record.
 * Ends with 0 only if nothing was lost, nothing was redeemed twice, no 5xx came outside the restarts and, in the long form, memory levels off.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, makeHttp } from "./load/http.ts";
import { type Served, serve } from "./processes.ts";
import { openWays, type Way } from "./soak/doors.ts";
import { reconcile, type Seen } from "./soak/ledger.ts";
import { levelsOff, type Sample, sampleOf } from "./soak/memory.ts";
import { bundle, ROOT } from "./subject/bare.ts";
import { freePort } from "./subject/port.ts";

const SECONDS = process.argv.includes("--quick") ? 60 : Number(process.env.SECONDS ?? 1_800);
const AT_ONCE = 6;
const SAMPLE_EVERY = 5_000;
/** The broom lists what a killed call has left behind within a minute. */
const BROOM = 90_000;

const ledger: Seen[] = [];
const faults: string[] = [];
let isRestarting = false;
let used = 0;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A call that may be repeated: tried again while the server is away; its answer if it is good. */
async function again(
  call: () => Promise<Answer>,
  good: (answer: Answer) => boolean,
): Promise<Answer | undefined> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      const answer = await call();
      if (answer.status < 500) return good(answer) ? answer : undefined;
      if (!isRestarting) faults.push(`${answer.status} ${JSON.stringify(answer.body).slice(0, 120)}`);
    } catch (error) {
      if (!isRestarting) faults.push(`no answer: ${String(error)}`);
    }
    await pause(200);
  }
  return undefined;
}

/** One sign-in of a new user, collected twice as a client does whose answer got lost, then used. */
async function signIn(way: Way): Promise<void> {
  const { user, approve, collect, resultOf, use } = await way.begin();
  const seen: Seen = { way, user, approved: false, results: new Set() };
  ledger.push(seen);
  await approve();
  seen.approved = true;
  for (const _ of ["collected", "and once more"]) {
    const answer = await again(collect, (given) => resultOf(given) !== undefined);
    const result = answer && resultOf(answer);
    if (result !== undefined) seen.results.add(result);
  }
  const [result] = seen.results;
  if (!use || result === undefined) return;
  if (
    await again(
      () => use(result),
      ({ status }) => status === 200,
    )
  )
    used += 1;
}

async function traffic(ways: readonly Way[], from: number, until: number): Promise<void> {
  for (let round = from; Date.now() < until; round += 1) {
    try {
      await signIn(ways[round % ways.length] as Way);
    } catch (error) {
      // What was begun when the runtime died is begun anew; anything else is a fault.
      if (!isRestarting) faults.push(String(error));
      await pause(200);
    }
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-soak-"));
  const port = await freePort();
  const built = bundle(join(ROOT, "wrangler.toml"));
  const start = (isFirst: boolean): Promise<Served> =>
    serve("subject/serve.ts", {
      PORT: String(port),
      STATE: folder,
      BUNDLE: built,
      ...(isFirst ? {} : { MIGRATED: "1" }),
    });
  let server = await start(true);
  const adminToken = String(server.said.adminToken);
  const http = makeHttp(server.said.origin, AT_ONCE * 2);
  const ways = await openWays(http, server.said.origin, adminToken);
  const began = Date.now();
  const lives: Sample[][] = [[]];
  const sampler = setInterval(() => {
    const second = Math.round((Date.now() - began) / 1000);
    if (!isRestarting) lives.at(-1)?.push(sampleOf(server.pid, second));
  }, SAMPLE_EVERY);
  const work = Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) => traffic(ways, index, began + SECONDS * 1000)),
  );
  for (const part of [1 / 3, 2 / 3]) {
    await pause(began + SECONDS * 1000 * part - Date.now());
    isRestarting = true;
    await server.kill9();
    lives.push([]);
    server = await start(false);
    // Calls that were under way are answered or repeated by now.
    await pause(2_000);
    isRestarting = false;
    console.error(`  killed and started again after ${Math.round((Date.now() - began) / 1000)} s`);
  }
  await work;
  clearInterval(sampler);
  const deadline = Date.now() + BROOM;
  let wrong = await reconcile(http, adminToken, ledger);
  while (wrong.length > 0 && Date.now() < deadline) {
    await pause(5_000);
    wrong = await reconcile(http, adminToken, ledger);
  }
  await server.stop();
  for (const left of [folder, built]) rmSync(left, { recursive: true, force: true });
  report(ways, lives, wrong);
}

function report(ways: readonly Way[], lives: readonly (readonly Sample[])[], wrong: readonly string[]): void {
  const collected = (way: Way) =>
    ledger.filter(({ way: { name }, results }) => name === way.name && results.size === 1).length;
  const doors = [...new Map(ways.map((way) => [way.name, way])).values()];
  console.log(`${ledger.length} sign-ins in ${SECONDS} s, two kills; ${used} refreshed; collected:`);
  for (const way of doors) console.log(`  ${way.name}: ${collected(way)}`);
  for (const [index, life] of lives.entries()) {
    const each = Math.max(1, Math.floor(life.length / 12));
    const shown = life.filter((_, at) => at % each === 0).map(({ mib, open }) => `${mib}/${open}`);
    console.log(`life ${index + 1}, MiB/open databases: ${shown.join(" ")}`);
  }
  const grows = lives.filter((life) => levelsOff(life) === false).length;
  const empty = doors.filter((way) => collected(way) === 0).map((way) => `nothing collected: ${way.name}`);
  const bad = [...faults.map((fault) => `fault: ${fault}`), ...wrong, ...empty];
  if (grows > 0) bad.push(`memory did not level off in ${grows} of ${lives.length} lives`);
  for (const line of bad.slice(0, 20)) console.log(line);
  console.log(bad.length === 0 ? "nothing lost, nothing twice" : `${bad.length} differences`);
  process.exit(bad.length === 0 ? 0 : 1);
}

await main();
