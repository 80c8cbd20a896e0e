/**
 * The load generator, one process for every subject: FLOW against ORIGIN, a closed loop of IN_FLIGHT, WARM_UP rounds and then ROUNDS. Prints
 * one line of JSON: rounds a second, percentiles in ms, the CPU of the server's processes (SERVER_PID) for each round.
 */
import { flowNamed } from "../flows/named.ts";
import { cpuMs } from "../processes.ts";
import { makeHttp } from "./http.ts";

const read = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};

const origin = read("ORIGIN");
const inFlight = Number(read("IN_FLIGHT"));
const rounds = Number(read("ROUNDS"));
const warmUp = Number(read("WARM_UP"));
const server = Number(read("SERVER_PID"));
const http = makeHttp(origin, inFlight);
const place = { origin, adminToken: process.env.ADMIN_TOKEN ?? "" };
const flow = await flowNamed(read("FLOW"))(http, place, rounds + warmUp);

async function loop(from: number, count: number): Promise<number[]> {
  const took: number[] = [];
  let next = from;
  const worker = async () => {
    while (next < from + count) {
      const round = next;
      next += 1;
      const began = performance.now();
      await flow.run(round);
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return took;
}

await loop(0, warmUp);
const cpu = cpuMs(server);
const began = performance.now();
const took = await loop(warmUp, rounds);
const seconds = (performance.now() - began) / 1000;
const used = cpuMs(server) - cpu;
took.sort((a, b) => a - b);
const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
console.log(
  JSON.stringify({ perSecond: rounds / seconds, p50: at(0.5), p99: at(0.99), cpuPerRound: used / rounds }),
);
process.exit(0);
