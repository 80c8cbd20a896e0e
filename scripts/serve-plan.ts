/** The decisions of `npm start` and `npm run reset`: where to listen, what to call it, whose state it is. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";
import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";

const root = resolve(import.meta.dirname, "..");
const PORT = 8787;
const WILDCARDS = ["0.0.0.0", "::", "*"];

/** Takes `--name value` and `--name=value` out of arguments; of several the last counts. */
export function takeFlag(
  args: readonly string[],
  name: string,
): { readonly value: string | undefined; readonly rest: readonly string[] } {
  let value: string | undefined;
  const rest: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === `--${name}`) {
      at += 1;
      value = args[at];
    } else if (arg.startsWith(`--${name}=`)) value = arg.slice(name.length + 3);
    else rest.push(arg);
  }
  return { value, rest };
}

/** Where a server listens, how this machine and a phone reach it, and where its state lies. */
export type Serving = {
  readonly ip: string;
  readonly port: number;
  /** How this machine reaches it. */
  readonly origin: string;
  /** How others of the network reach it; none while it listens on this machine alone. */
  readonly others: readonly string[];
  readonly issuer: string;
  readonly stateDir: string;
  readonly inspectorPort: string;
  /** What is left for `wrangler dev`. */
  readonly rest: readonly string[];
};

type Variables = Readonly<Record<string, string | undefined>>;
type Interfaces = Readonly<
  Record<string, readonly Pick<NetworkInterfaceInfo, "address" | "family" | "internal">[] | undefined>
>;

/** State of a port: each has its own, so that two servers beside each other never share one. */
export const stateDirOf = (variables: Variables, port: number): string =>
  resolve(root, variables.STATE_DIR || (port === PORT ? ".wrangler/state" : `.wrangler/state-${port}`));

export const portOf = (variables: Variables): number => Number(variables.PORT || PORT);

const isLoopback = (ip: string): boolean => ip === "localhost" || ip === "::1" || ip.startsWith("127.");
const hostOf = (ip: string): string => (ip.includes(":") ? `[${ip}]` : ip);

/** `HOST` where it is an address to listen at: some shells keep the machine's own name under it. */
const addressIn = (host: string | undefined): string | undefined =>
  host !== undefined && (isIP(host) !== 0 || host === "localhost" || WILDCARDS.includes(host))
    ? host
    : undefined;

/** The environment of `npm start`; what it does not say of `ISSUER`, `.dev.vars` may. */
export const withIssuerOf = (variables: Variables, devVars: string): Variables => {
  const { ISSUER } = parseEnv(devVars);
  return variables.ISSUER || !ISSUER ? variables : { ...variables, ISSUER };
};

/** Reads the command line of `npm start`. Throws for a port that is none. */
export function readServing(args: readonly string[], variables: Variables, interfaces: Interfaces): Serving {
  const ips = takeFlag(args, "ip");
  const ports = takeFlag(ips.rest, "port");
  const inspectors = takeFlag(ports.rest, "inspector-port");
  const states = takeFlag(inspectors.rest, "persist-to");
  const ip = ips.value || addressIn(variables.HOST) || "127.0.0.1";
  const port = ports.value ? Number(ports.value) : portOf(variables);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`not a port: ${ports.value ?? variables.PORT}`);
  const found = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  const own = found
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
  const isOpen = WILDCARDS.includes(ip);
  const protocol = variables.HTTPS ? "https" : "http";
  const at = (host: string) => `${protocol}://${hostOf(host)}:${port}`;
  const others = (isOpen ? own : isLoopback(ip) ? [] : [ip]).map(at);
  const origin = at(isOpen ? "127.0.0.1" : ip);
  return {
    ip,
    port,
    origin,
    others,
    issuer: variables.ISSUER || others[0] || origin,
    stateDir: states.value ? resolve(states.value) : stateDirOf(variables, port),
    inspectorPort: inspectors.value || variables.INSPECTOR_PORT || "0",
    rest: variables.HTTPS ? ["--local-protocol", "https", ...states.rest] : states.rest,
  };
}

type Holder = { readonly pid: number; readonly port: number; readonly since: number };

/** Beside the state, because a reset removes the state. */
const lockOf = (stateDir: string): string => `${stateDir}.lock`;

function readHolder(stateDir: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(lockOf(stateDir), "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 });
    const end = (is: boolean) => {
      socket.destroy();
      done(is);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}

/** A server migrates before it listens. */
const STARTING_MS = 120_000;

/**
 * The server that uses this state, or undefined. One whose starter was killed counts while its port answers; a process id that another
 * program has by now does not.
 */
export async function holderOf(stateDir: string): Promise<Holder | undefined> {
  const holder = readHolder(stateDir);
  if (holder === undefined) return undefined;
  const isStarting = isAlive(holder.pid) && Date.now() - holder.since < STARTING_MS;
  return isStarting || (await answers(holder.port)) ? holder : undefined;
}

/** Says whose state it is, and what can be done about it. */
export const heldBy = (stateDir: string, { pid, port }: Holder): string =>
  `A server uses ${stateDir}: process ${pid}, port ${port}. Stop it first. (If there is none, remove ${lockOf(stateDir)}.)`;

/** Takes the state for this process; answers who has it when somebody has. `release` gives it back. */
export async function takeState(stateDir: string, port: number): Promise<{ release(): void } | Holder> {
  const file = lockOf(stateDir);
  const mine: Holder = { pid: process.pid, port, since: Date.now() };
  mkdirSync(dirname(file), { recursive: true });
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      writeFileSync(file, JSON.stringify(mine), { flag: "wx" });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = await holderOf(stateDir);
    if (holder !== undefined) return holder;
    rmSync(file, { force: true });
  }
  throw new Error(`${file} comes back as often as it is removed`);
}
