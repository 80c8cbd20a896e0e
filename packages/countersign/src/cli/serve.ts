import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Command, textOf } from "./command.ts";
import { failed, misused } from "./fault.ts";
import { say } from "./print.ts";
import { qrOf } from "./qr.ts";
import { cloneAbove, environment, fetchTools } from "./tools.ts";

/** The server as it is published: a built Worker, its files and the scripts that start it. */
const CARRIED = fileURLToPath(new URL("../server", import.meta.url));

/** How one of the repository's scripts is run. */
type Script = {
  readonly node: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
};

function inClone(root: string, name: string): Script {
  const bin = join(root, "node_modules/.bin");
  const node = join(bin, "node");
  if (!existsSync(node)) throw failed(`The tools of ${root} are not installed yet. Run: npm ci`);
  const env = { ...environment(), PATH: `${bin}${delimiter}${process.env.PATH}` };
  return { node, args: [join(root, "scripts/run.mjs"), name], cwd: root, env };
}

/** Copies the server to a folder that may be written to: wrangler keeps files beside its configuration. */
function unpack(to: string): void {
  if (!existsSync(join(CARRIED, "wrangler.toml")))
    throw failed("This build of the package carries no server");
  rmSync(to, { recursive: true, force: true });
  cpSync(CARRIED, to, { recursive: true });
}

async function carried(folder: string, name: string, signal: AbortSignal): Promise<Script> {
  const { node, path, wrangler } = await fetchTools(signal);
  unpack(folder);
  const env = { ...environment(), PATH: path, WRANGLER_BIN: wrangler };
  return { node, args: [join(folder, "scripts", `${name}.mjs`)], cwd: folder, env };
}

/** Runs it to its end; what stops us stops it, and is waited for. */
function run(
  { node, args, cwd, env }: Script,
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<number> {
  // A group of its own: Ctrl-C reaches us alone, and is handed on once.
  const child: ChildProcess = spawn(node, args, {
    cwd,
    env,
    detached: true,
    // By the channel it learns that we are gone, however that came.
    stdio: ["ignore", onLine ? "pipe" : "inherit", "inherit", "ipc"],
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  if (onLine && child.stdout) createInterface({ input: child.stdout }).on("line", onLine);
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code, by) =>
      done(signal.aborted ? 130 : (code ?? 128 + constants.signals[by ?? "SIGTERM"])),
    );
  });
}

function links(origin: string, others: readonly string[]): void {
  const at = others[0] ?? origin;
  say("");
  say(`  Demo app     ${at}/demo`);
  say(`  Phone page   ${at}/phone`);
  say(`  API          ${at}/openapi.json`);
  if (others[0] === undefined) {
    say("\nFor a phone of the same network: countersign dev --host");
    return;
  }
  say(`\n${qrOf(`${at}/phone`, process.stdout)}\n`);
  say("Scan it with the phone. It warns once: nobody has signed the certificate.");
}

/** Watches for the words of scripts/start.ts that tell where it listens. */
function watcher(isOpen: boolean): (line: string) => void {
  let origin = "";
  return (line) => {
    say(line);
    const ready = /^Countersign is ready on (\S+)/.exec(line)?.[1];
    if (ready !== undefined) {
      origin = ready;
      if (!isOpen) links(origin, []);
    }
    const others = /^For a phone in the same network: (.+)$/.exec(line)?.[1];
    if (others !== undefined && origin) links(origin, others.split(" or "));
  };
}

export const devCommand: Command = {
  help: `countersign dev [--host] [--port PORT] [-- arguments of wrangler dev]

Starts a server, the demo app and the phone page on this machine. In a clone of the repository it starts that clone;
elsewhere the server that this package carries, with its state in .countersign/.

  --host       https, for a phone of the same network. Everybody in that network can reach it
  --port PORT  default: 8787`,
  options: { host: { type: "boolean" }, port: { type: "string" } },
  async run({ values, rest, signal }) {
    const port = textOf(values, "port") ?? process.env.PORT ?? "8787";
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
      throw misused("--port is no port");
    const clone = cloneAbove();
    const own = join(process.cwd(), ".countersign");
    const script = clone ? inClone(clone, "start") : await carried(join(own, "server"), "start", signal);
    if (!clone) {
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, ".gitignore"), "*\n");
    }
    const state = clone ? {} : { STATE_DIR: process.env.STATE_DIR || join(own, "state") };
    const env = {
      ...script.env,
      ...state,
      PORT: port,
      ...(values.host === true && { HTTPS: "1", HOST: "0.0.0.0" }),
    };
    const args = [...script.args, ...(clone ? [] : ["--env-file", ".dev.vars.example"]), ...rest];
    return await run({ ...script, args, env }, signal, watcher(values.host === true));
  },
};

export const demoCommand: Command = {
  help: `countersign demo [--url URL]

Plays a whole sign-in and says how long each step took. Where no server answers it starts one, and stops it again.
Ends with 0 only if everything held.

  --url URL  the development server to play against. Its admin token, if it has one of its own, in COUNTERSIGN_ADMIN_TOKEN`,
  options: { url: { type: "string" } },
  async run({ values, signal }) {
    const url = textOf(values, "url");
    const clone = cloneAbove();
    const folder = clone ? undefined : mkdtempSync(join(tmpdir(), "countersign-cli-"));
    try {
      const script =
        folder === undefined ? inClone(clone ?? "", "demo") : await carried(folder, "demo/demo", signal);
      const args = [...script.args, ...(url === undefined ? [] : ["--url", url])];
      const token = process.env.COUNTERSIGN_ADMIN_TOKEN;
      return await run(
        { ...script, args, env: { ...script.env, ...(token && { ADMIN_TOKEN: token }) } },
        signal,
      );
    } finally {
      if (folder !== undefined)
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  },
};
