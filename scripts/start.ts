/**
 * Serves the Worker on this machine: makes .dev.vars when missing, migrates the local database, runs `wrangler dev`.
 *
 * Environment: PORT (8787), ISSUER (the address it is reached at; .dev.vars may say it too), STATE_DIR (.wrangler/state; with another port .wrangler/state-PORT),
 * INSPECTOR_PORT (0: any free), HTTPS (set: serves https with a certificate of wrangler's own making). `HOST=0.0.0.0 npm start` (or `-- --ip 0.0.0.0`) lets a phone of the same network in.
 * Further arguments go to `wrangler dev` as they are, e.g. `npm start -- --var IP_LIMITS:on`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants, copyFileSync, existsSync, readFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { migrateLocal } from "./migrate-local.ts";
import { heldBy, readServing, type Serving, takeState, withIssuerOf } from "./serve-plan.ts";

const root = resolve(import.meta.dirname, "..");
/** The package's command line brings its own. */
const WRANGLER = process.env.WRANGLER_BIN || resolve(root, "node_modules/wrangler/bin/wrangler.js");

let current: ChildProcess | undefined;
let stopping = false;

function wrangler(args: readonly string[]): Promise<number> {
  if (stopping) return Promise.resolve(130);
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  current = child;
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => done(code ?? 1));
  });
}

function stop(signal: NodeJS.Signals): void {
  stopping = true;
  current?.kill(signal);
}

const DEV_VARS = resolve(root, ".dev.vars");

function makeDevVars(): void {
  try {
    copyFileSync(resolve(root, ".dev.vars.example"), DEV_VARS, constants.COPYFILE_EXCL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Empty where there is no such file, and where another one takes its place. */
function devVars(args: readonly string[]): string {
  const isOther = args.some((argument) => argument.startsWith("--env-file"));
  return !isOther && existsSync(DEV_VARS) ? readFileSync(DEV_VARS, "utf8") : "";
}

/** Asked before anything is started: an occupied port would answer /healthz in our place. */
function portIsFree({ port, ip }: Serving): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once("error", () => done(false));
    probe.listen(port, ip === "*" ? "0.0.0.0" : ip, () => probe.close(() => done(true)));
  });
}

/** Over https too: nobody has signed the certificate of a server that was started a moment ago on this machine. */
function read(url: string): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const options = { timeout: 5_000, rejectUnauthorized: false };
    const request = (url.startsWith("https:") ? httpsGet : httpGet)(url, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => {
        text += chunk;
      });
      answer.once("end", () => done({ status: answer.statusCode ?? 0, text }));
      answer.once("error", fail);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", fail);
  });
}

async function health(origin: string): Promise<{ ready: boolean; reason?: string }> {
  try {
    const { status, text } = await read(`${origin}/healthz`);
    return status === 200 ? { ready: true } : { ready: false, reason: `${status} ${text}` };
  } catch {
    return { ready: false };
  }
}

function sayReady({ origin, others, issuer }: Serving): void {
  console.log(`Countersign is ready on ${origin}`);
  if (others.length === 0) return;
  console.log(`For a phone in the same network: ${others.join(" or ")}`);
  console.log("Everybody in that network can reach it, with the published development token.");
  if (!others.includes(issuer)) console.log(`Links and tokens name ${issuer}`);
  console.log(
    issuer.startsWith("https:")
      ? "Nobody has signed the certificate: each browser warns of it once."
      : "A phone has keys on https pages alone: for the phone page, HTTPS=1 HOST=0.0.0.0 npm start",
  );
}

async function announce(serving: Serving, isServing: () => boolean): Promise<void> {
  const warnAt = Date.now() + 15_000;
  let warned = false;
  while (isServing()) {
    const { ready, reason } = await health(serving.origin);
    if (ready && isServing()) return sayReady(serving);
    if (reason && !warned && Date.now() > warnAt) {
      warned = true;
      console.error(`Countersign is not ready: /healthz answers ${reason}`);
    }
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

async function migrate(stateDir: string): Promise<void> {
  const applied = await migrateLocal(root, stateDir, WRANGLER);
  if (applied.length > 0) console.log(`The local database is at ${applied.at(-1)} (${applied.length} new)`);
}

async function serve(serving: Serving): Promise<number> {
  const { ip, port, issuer, stateDir, inspectorPort, rest } = serving;
  // Whoever names a file of values needs none of ours.
  if (!rest.some((argument) => argument.startsWith("--env-file"))) makeDevVars();
  await migrate(stateDir);
  let isServing = true;
  const served = wrangler([
    ...["dev", "--ip", ip, "--port", String(port), "--inspector-port", inspectorPort],
    ...["--persist-to", stateDir, "--show-interactive-dev-session=false"],
    ...["--var", `ISSUER:${issuer}`, "--var", "ENVIRONMENT:development"],
    ...rest,
  ]).finally(() => {
    isServing = false;
  });
  void announce(serving, () => isServing);
  return await served;
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const serving = readServing(args, withIssuerOf(process.env, devVars(args)), networkInterfaces());
  if (!(await portIsFree(serving))) {
    console.error(`Port ${serving.port} is taken. Choose another: PORT=9000 npm start`);
    return 1;
  }
  const taken = await takeState(serving.stateDir, serving.port);
  if ("pid" in taken) {
    console.error(heldBy(serving.stateDir, taken));
    return 1;
  }
  try {
    return await serve(serving);
  } finally {
    taken.release();
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(signal));
// A test runner that dies takes its server with it.
process.once("disconnect", () => stop("SIGTERM"));
try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
