/**
 * Mixed traffic through the doors for SECONDS (1,800; `--quick`: 60), the runtime killed and started again twice in the middle. Afterwards
 * what the clients saw is held against what the server has: each answered decision has its end, each result its one record.
 * Ends with 0 only if nothing was lost, nothing was redeemed twice, no 5xx came outside the restarts, objects that nobody calls were
 * closed and, in the long form, memory levels off.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeHttp } from "./load/http.ts";
import { type Served, serve } from "./processes.ts";
import { type Difference, reconcile } from "./soak/ledger.ts";
import { openDatabases, type Sample, sampleOf } from "./soak/memory.ts";
import { report } from "./soak/report.ts";
import { drive, newRun } from "./soak/traffic.ts";
import { openWays } from "./soak/ways.ts";
import { bundle, ROOT } from "./subject/bare.ts";
import { freePort } from "./subject/port.ts";

const SECONDS = process.argv.includes("--quick") ? 60 : Number(process.env.SECONDS ?? 1_800);
const AT_ONCE = 6;
const SAMPLE_EVERY = 5_000;
/** The broom lists what a killed call has left behind within a minute. */
const BROOM = 90_000;
/** Objects are closed after ten seconds in which nobody called them; their alarms open some again. */
const SILENCE = 60_000;
const AS_GOOD_AS_NONE = 20;
const CLOSES_AFTER_SECONDS = 10;

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
const place = { origin: server.said.origin, adminToken: String(server.said.adminToken) };
const http = makeHttp(place.origin, AT_ONCE * 2);
const ways = await openWays(http, place);
const run = newRun();
const lives: Sample[][] = [[]];
const began = Date.now();
const secondsSince = (): number => Math.round((Date.now() - began) / 1000);

async function untilItCloses(): Promise<number> {
  const deadline = Date.now() + SILENCE;
  for (;;) {
    const open = openDatabases(server.pid);
    if (open <= AS_GOOD_AS_NONE || Date.now() > deadline) return open;
    await pause(1_000);
  }
}

/** What still differs once the broom had its time. */
async function differences(): Promise<readonly Difference[]> {
  const deadline = Date.now() + BROOM;
  let found = await reconcile(http, place.adminToken, run.ledger);
  while (found.length > 0 && Date.now() < deadline) {
    await pause(5_000);
    const again = new Set(found.map(({ seen }) => seen));
    found = await reconcile(http, place.adminToken, [...again]);
  }
  return found;
}

const sampler = setInterval(() => {
  if (!run.isRestarting) lives.at(-1)?.push(sampleOf(server.pid, secondsSince()));
}, SAMPLE_EVERY);
const work = Promise.all(
  Array.from({ length: AT_ONCE }, (_, index) => drive(run, ways, index, began + SECONDS * 1000)),
);
for (const part of [1 / 3, 2 / 3]) {
  await pause(began + SECONDS * 1000 * part - Date.now());
  run.isRestarting = true;
  run.kills += 1;
  await server.kill9();
  lives.push([]);
  server = await start(false);
  // Calls that were under way are answered or repeated by now.
  await pause(2_000);
  run.isRestarting = false;
  console.error(`  killed and started again after ${secondsSince()} s`);
}
await work;
clearInterval(sampler);
const stayOpen = await untilItCloses();
const differ = await differences();
await server.stop();
for (const left of [folder, built]) rmSync(left, { recursive: true, force: true });
// For ten minutes more alarms end what ended ten minutes before: as many a second as sign-ins began.
const mayStayOpen = AS_GOOD_AS_NONE + CLOSES_AFTER_SECONDS * (run.ledger.length / SECONDS);
const bad = report({ run, ways, lives, seconds: SECONDS, differ, stayOpen, mayStayOpen });
process.exit(bad === 0 ? 0 : 1);
