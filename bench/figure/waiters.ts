/**
 * B1 and B4: how soon the waiting app has heard of an approval while many wait, by socket and by long-poll, and what an idle waiter weighs.
 * Everybody who waits is approved in the end; who hears nothing is lost. Where the machine holds fewer than asked, the figure says why.
 *
 * A waiter costs what its connection costs. On bare workerd a WebSocket weighs 283 KiB, of which permessage-deflate, which Node and
 * browsers offer, is 221; a long-poll has none of it. An object that has just been called holds its open file, some 190 KiB and three
 * descriptors, for ten seconds: so the weight is read when all objects sleep.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HALF_TICK } from "../committed.ts";
import { newApp, newPerson, signCotter } from "../flows/cotter.ts";
import { lackOf, SLEEP_MS } from "../flows/room.ts";
import { startWaiter, type Waiter, type Way } from "../flows/waiting.ts";
import { type Http, makeHttp } from "../load/http.ts";
import { memoryMib, type Served, serve } from "../processes.ts";
import { brief, type Outcome, share } from "./outcome.ts";

const AT_ONCE = 16;
/** Begun or approved between two looks at the machine's room. */
const BATCH = 64;
/** Descriptors that a batch may take: the files of two objects for each. */
const FOR_BATCH = 600;
/** What a full house leaves for approvals; who asks again after a held poll opens an object, too. */
const FOR_APPROVALS: Readonly<Record<Way, number>> = { socket: 1_500, "long-poll": 4_500 };
/** What a peer's client waits in the mean when it polls each five seconds. */
const MEAN_POLL_MS = 2_500;
const TOLD_WITHIN_MS = 10_000;
/** With fewer, what a waiter weighs is lost in what the server's memory does anyway. */
const WEIGHED = 1_000;
const ASKED = { p50: 5, p99: 25 } as const;

type Crowd = {
  readonly http: Http;
  readonly headers: Readonly<Record<string, string>>;
  readonly waiters: Waiter[];
  /** One person more who waits. */
  start(): Promise<Waiter>;
  /** What stands in the way of more who wait. */
  lack(): Promise<string | undefined>;
  /** Until what was woken sleeps again, if that is needed for one batch more. */
  rest(): Promise<unknown>;
};

type Round = {
  readonly way: Way;
  readonly asked: number;
  readonly waiting: number;
  readonly lack: string | undefined;
  /** From the commit of the decision, and from the phone's sending of it, to the word at the waiter. In ms. */
  readonly committed: { readonly p50: number; readonly p99: number };
  readonly sent: { readonly p50: number; readonly p99: number };
  readonly lost: number;
  readonly kibEach: number | undefined;
};

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

async function makeCrowd(server: Served, way: Way, most: number): Promise<Crowd> {
  const { origin, adminToken } = server.said;
  const http = makeHttp(origin, AT_ONCE);
  const holds = makeHttp(origin, most);
  const headers = await newApp(http, String(adminToken), { challenge_seconds: 3_600 });
  return {
    http,
    headers,
    waiters: [],
    start: async () => startWaiter(http, holds, headers, await newPerson(http, headers), way),
    lack: () => lackOf(server.pid, FOR_APPROVALS[way]),
    rest: () => lackOf(server.pid, FOR_BATCH),
  };
}

/** Until so many wait. Answers what is missing, if they cannot. */
async function fill({ waiters, start, lack }: Crowd, count: number): Promise<string | undefined> {
  while (waiters.length < count) {
    const missing = await lack();
    if (missing !== undefined) return missing;
    waiters.push(...(await eachOf(Math.min(BATCH, count - waiters.length), start)));
  }
  return undefined;
}

const heard = ({ told }: Waiter): Promise<number | undefined> =>
  Promise.race([told.catch(() => undefined), pause(TOLD_WITHIN_MS, undefined, { ref: false })]);

/** The one who has waited the longest is approved, and another comes: so many wait all the time. */
async function sample(
  crowd: Crowd,
): Promise<{ readonly sent: number; readonly committed: number } | undefined> {
  const { http, headers, waiters } = crowd;
  const waiter = waiters.shift();
  if (!waiter) throw new Error("nobody waits");
  const send = await signCotter(http, headers, waiter.person);
  const sent = performance.now();
  await send();
  const at = await heard(waiter);
  const { body } = await http.read(`/api/v0/event/get/${waiter.id}`, 200, { headers });
  waiters.push(await crowd.start());
  if (at === undefined) return undefined;
  const committed = Date.parse(body.UpdatedAt) + HALF_TICK - performance.timeOrigin;
  return { sent: at - sent, committed: at - committed };
}

/** Everybody who waits is approved. Answers how many have not heard of it. */
async function approveAll({ http, headers, waiters, rest }: Crowd): Promise<number> {
  let lost = 0;
  while (waiters.length > 0) {
    await rest();
    const batch = waiters.splice(0, BATCH);
    await eachOf(batch.length, async (index) => {
      const waiter = batch[index] as Waiter;
      const send = await signCotter(http, headers, waiter.person);
      await send();
      if ((await heard(waiter)) === undefined) lost += 1;
    });
  }
  return lost;
}

/** Resident memory once no object's file is open any more. */
async function asleepMib(server: Served): Promise<number> {
  await pause(SLEEP_MS);
  return memoryMib(server.pid);
}

async function round(server: Served, way: Way, asked: number, samples: number): Promise<Round> {
  const crowd = await makeCrowd(server, way, asked + samples);
  const isWeighed = asked >= WEIGHED;
  // Half of them bring the server's memory to what the work needs; what it grows by from here on is the other half's.
  const half = Math.floor(asked / 2);
  let lack = await fill(crowd, half);
  const before = isWeighed ? await asleepMib(server) : 0;
  lack ??= await fill(crowd, asked);
  const waiting = crowd.waiters.length;
  const weighed = waiting - half;
  const kibEach =
    isWeighed && weighed > 0 ? (((await asleepMib(server)) - before) * 1024) / weighed : undefined;
  const took: { readonly sent: number; readonly committed: number }[] = [];
  let lost = 0;
  for (let index = 0; index < samples; index += 1) {
    if (index % AT_ONCE === 0) await crowd.rest();
    // A poll that was only just sent is not held yet.
    if (waiting <= AT_ONCE) await pause(40);
    const one = await sample(crowd);
    if (one) took.push(one);
    else lost += 1;
  }
  lost += await approveAll(crowd);
  const of = (what: "sent" | "committed") => {
    const values = took.map((one) => one[what]);
    return { p50: share(values, 0.5), p99: share(values, 0.99) };
  };
  return { way, asked, waiting, lack, committed: of("committed"), sent: of("sent"), lost, kibEach };
}

const kib = ({ way, kibEach }: Round): string =>
  kibEach === undefined ? `not weighed by ${way}` : `${brief(kibEach)} KiB by ${way}`;

const counted = ({ way, asked, waiting, lack }: Round): string =>
  lack === undefined ? `${waiting} by ${way}` : `${waiting} of ${asked} by ${way} (${lack})`;

const times = ({ p50, p99 }: Round["sent"]): string => `p50 ${brief(p50)} ms, p99 ${brief(p99)} ms`;

const lineOf = (one: Round): string =>
  `${counted(one)}: committed to told ${times(one.committed)}; sent to told ${times(one.sent)}; ${one.lost} lost; ${kib(one)}`;

const WAYS: readonly Way[] = ["socket", "long-poll"];

/** Where memory is read, each way has a server of its own: what one has left behind would hide what the other takes. */
const turnsOf = (asked: number): readonly (readonly Way[])[] =>
  asked < WEIGHED ? [WAYS] : WAYS.map((way) => [way]);

async function measure(counts: readonly number[], samples: number): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (const asked of counts) {
    for (const ways of turnsOf(asked)) {
      const server = await serve("subject/serve.ts");
      try {
        for (const way of ways) {
          const done = await round(server, way, asked, samples);
          rounds.push(done);
          console.error(`  ${lineOf(done)}`);
        }
      } finally {
        await server.stop();
      }
    }
  }
  return rounds;
}

export async function waiterFigures(isQuick: boolean): Promise<readonly Outcome[]> {
  const most = Number(process.env.WAITERS ?? 10_000);
  const counts = isQuick ? [1, 100] : [1, 100, 1_000, 10_000].filter((count) => count <= most);
  const rounds = await measure(counts, isQuick ? 20 : 200);
  const atMost = Math.max(...counts);
  const many = rounds.find(({ asked, way }) => asked === Math.min(1_000, atMost) && way === "socket");
  const last = rounds.filter(({ asked }) => asked === atMost);
  const { p50, p99 } = many?.committed ?? { p50: Number.NaN, p99: Number.NaN };
  const lost = rounds.reduce((sum, one) => sum + one.lost, 0);
  return [
    {
      figure: `B1 decision committed to waiter told, ${many?.waiting} waiting by socket`,
      says: `${times({ p50, p99 })}; a poll each 5 s is ${brief(MEAN_POLL_MS / p50)} × later; from the phone's sending ${times(many?.sent ?? { p50, p99 })}`,
      bar: `p50 ≤ ${ASKED.p50} ms, p99 ≤ ${ASKED.p99} ms; ≥ 500 × sooner than a poll each 5 s`,
      met: p50 <= ASKED.p50 && p99 <= ASKED.p99 && MEAN_POLL_MS / p50 >= 500,
      data: { rounds },
    },
    {
      figure: `B4 ${atMost} waiting, all approved`,
      says: `${lost} lost; ${last.map(counted).join(", ")}; idle: ${last.map(kib).join(", ")}`,
      bar: `0 lost of ${atMost}`,
      met: lost === 0 && last.every(({ lack }) => lack === undefined),
      data: {},
    },
  ];
}
