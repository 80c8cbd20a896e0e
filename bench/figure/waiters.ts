/**
 * B1 and B4: how soon the waiting app has heard of an approval while many wait, by socket and by long-poll, and what an idle waiter weighs.
 * Everybody who waits is approved in the end; who hears nothing is lost.
 */

import { openWaiter } from "../../scripts/demo/waiter.ts";
import { approveCotter, newApp, newPerson, startCotter } from "../flows/cotter.ts";
import { type Http, makeHttp } from "../load/http.ts";
import { memoryMib, type Served, serve } from "../processes.ts";
import { brief, type Outcome, share } from "./outcome.ts";

const AT_ONCE = 16;
/** What a peer's client waits in the mean when it polls each five seconds. */
const MEAN_POLL_MS = 2_500;
/** Pings, which keep nobody awake: a held poll is asked for longer than the run takes. */
const HOLD_SECONDS = 120;

type Way = "socket" | "long-poll";
type Waiter = { readonly approve: () => Promise<void>; readonly told: Promise<number> };

async function eachOf<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      made[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
  return made;
}

async function newWaiter(
  http: Http,
  holds: Http,
  headers: Readonly<Record<string, string>>,
  way: Way,
): Promise<Waiter> {
  const person = await newPerson(http, headers);
  const event = await startCotter(http, headers, person.userId);
  const approve = () => approveCotter(http, headers, person);
  if (way === "socket") {
    const waiter = openWaiter(event.socket_uri, String(event.ID));
    await waiter.first;
    return { approve, told: waiter.settled.then(({ at }) => at) };
  }
  const url = new URL(event.wait_uri);
  const path = `${url.pathname}${url.search}${url.search ? "&" : "?"}timeout=${HOLD_SECONDS}`;
  const held = holds.read(path, 200, { headers: { authorization: `Bearer ${event.ID}` } });
  const told = held.then(({ body }) => {
    if (body.state !== "approved") throw new Error(`the held poll heard ${body.state}`);
    return performance.now();
  });
  told.catch(() => undefined);
  return { approve, told };
}

type Round = {
  readonly way: Way;
  readonly waiting: number;
  readonly p50: number;
  readonly p99: number;
  readonly lost: number;
  readonly kibEach: number;
};

/** From the answer to the phone, which comes when the approval has been taken, to the word at the waiter. Negative: the waiter was first. */
async function round(server: Served, way: Way, waiting: number): Promise<Round> {
  const { origin, adminToken } = server.said;
  const http = makeHttp(origin, AT_ONCE);
  const holds = makeHttp(origin, waiting + 1);
  const headers = await newApp(http, String(adminToken));
  // A warm server: what it grows by from here on is the waiters'.
  const first = await newWaiter(http, holds, headers, way);
  await first.approve();
  await first.told;
  const before = memoryMib(server.pid);
  const waiters = await eachOf(waiting, () => newWaiter(http, holds, headers, way));
  const kibEach = ((memoryMib(server.pid) - before) * 1024) / waiting;
  const took: number[] = [];
  let lost = 0;
  for (const { approve, told } of waiters) {
    const sent = performance.now();
    await approve();
    const at = await Promise.race([told, new Promise<undefined>((done) => setTimeout(done, 5_000))]);
    if (at === undefined) lost += 1;
    else took.push(at - sent);
  }
  return { way, waiting, p50: share(took, 0.5), p99: share(took, 0.99), lost, kibEach };
}

export async function waiterFigures(isQuick: boolean): Promise<readonly Outcome[]> {
  const most = Number(process.env.WAITERS ?? 10_000);
  const counts = isQuick ? [1, 100] : [1, 100, 1_000, 10_000].filter((count) => count <= most);
  const rounds: Round[] = [];
  for (const waiting of counts) {
    for (const way of ["socket", "long-poll"] as const) {
      const server = await serve("subject/serve.ts");
      try {
        const done = await round(server, way, waiting);
        rounds.push(done);
        console.error(
          `  ${waiting} by ${way}: p50 ${brief(done.p50)} ms, p99 ${brief(done.p99)} ms, ${done.lost} lost, ${brief(done.kibEach)} KiB each`,
        );
      } finally {
        await server.stop();
      }
    }
  }
  const lost = rounds.reduce((sum, one) => sum + one.lost, 0);
  const many = rounds.filter(
    ({ waiting, way }) => waiting === Math.min(1_000, Math.max(...counts)) && way === "socket",
  )[0];
  const last = rounds.filter(({ waiting }) => waiting === Math.max(...counts));
  const p50 = many?.p50 ?? Number.NaN;
  return [
    {
      figure: `B1 approval sent to waiter told, ${many?.waiting} waiting by socket`,
      says: `p50 ${brief(p50)} ms, p99 ${brief(many?.p99 ?? Number.NaN)} ms; a poll each 5 s is ${brief(MEAN_POLL_MS / p50)} × later`,
      bar: "≥ 500 × sooner than a poll each 5 s",
      met: MEAN_POLL_MS / p50 >= 500,
      data: { rounds },
    },
    {
      figure: `B4 ${Math.max(...counts)} waiting, all approved`,
      says: `${lost} lost; ${last.map((one) => `${brief(one.kibEach)} KiB by ${one.way}`).join(", ")}`,
      bar: "0 lost",
      met: lost === 0,
      data: {},
    },
  ];
}
