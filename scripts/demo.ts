/**
 * Plays whole sign-ins against a server, by HTTP and WebSocket alone, and says how long each step took.
 *
 *   npm run demo                            the server of `npm start`; a server of its own where none answers
 *   npm run demo -- --url http://127.0.0.1:9000
 *
 * Environment: PORT (8787) and ADMIN_TOKEN (the development one) of the server that runs. Exit code 0 only if everything held.
 */
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { type OwnServer, startOwnServer } from "./demo/own-server.ts";
import { makeTimeline } from "./demo/print.ts";
import { play } from "./demo/story.ts";
import { portOf } from "./serve-plan.ts";

const DEVELOPMENT_TOKEN = "dev-admin-token";

/** The origin that `--url` names, or the usual one; `undefined` when the command line cannot be read. */
function readArguments(): { readonly origin: string; readonly isNamed: boolean } | undefined {
  try {
    const { values } = parseArgs({ options: { url: { type: "string" } } });
    const url = new URL(values.url ?? `http://127.0.0.1:${portOf(process.env)}`);
    if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
    return { origin: url.origin, isNamed: values.url !== undefined };
  } catch {
    return undefined;
  }
}

type Health = { readonly is: "ready" | "absent" } | { readonly is: "ill" | "foreign"; readonly why: string };

async function healthOf(origin: string): Promise<Health> {
  try {
    const answer = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    if (answer.status === 200 && text.includes('"status":"ok"')) return { is: "ready" };
    const why = `${origin}/healthz answers ${answer.status} ${text.slice(0, 300)}`;
    return { is: answer.status === 503 ? "ill" : "foreign", why };
  } catch {
    return { is: "absent" };
  }
}

/** Whether somebody has stopped the demo: its steps fail then, because its server goes. */
let isInterrupted = false;

/** Plays against one server; answers the exit code. */
async function playAt(origin: string, adminToken: string): Promise<number> {
  console.log(`Countersign on ${origin}. All times in milliseconds.`);
  const timeline = makeTimeline((line) => isInterrupted || console.log(line));
  try {
    await play({ origin, adminToken, timeline });
  } catch {
    if (!isInterrupted) console.error("\nThe demo stopped at the step above: not everything held.");
    return 1;
  }
  console.log(`\nEverything held: ${timeline.steps} steps in ${timeline.elapsed().toFixed(0)} ms.`);
  return 0;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Whatever comes, the server is gone before the process ends. */
function stopInTime(server: OwnServer): void {
  const stop = async (code: number) => {
    isInterrupted = true;
    await server.stop();
    process.exit(code);
  };
  for (const signal of SIGNALS) process.once(signal, () => stop(128 + constants.signals[signal]));
  // Nobody reads on, as behind `npm run demo | head`.
  process.stdout.on("error", () => stop(128 + constants.signals.SIGPIPE));
}

async function playAtOwn(): Promise<number> {
  const server = await startOwnServer();
  stopInTime(server);
  try {
    await server.ready;
    return await playAt(server.origin, DEVELOPMENT_TOKEN);
  } catch (error) {
    if (!isInterrupted) console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await server.stop();
  }
}

async function main(): Promise<number> {
  const asked = readArguments();
  if (asked === undefined) {
    console.error("Usage: npm run demo [-- --url http://127.0.0.1:8787]");
    return 1;
  }
  const { origin, isNamed } = asked;
  const health = await healthOf(origin);
  if (health.is === "ready") return await playAt(origin, process.env.ADMIN_TOKEN || DEVELOPMENT_TOKEN);
  if (health.is === "ill" || (isNamed && health.is === "foreign")) {
    console.error(health.why);
    return 1;
  }
  if (isNamed) {
    console.error(`No server answers on ${origin}. Start one with: npm start`);
    return 1;
  }
  console.log(`No server answers on ${origin}: the demo starts one of its own.`);
  return await playAtOwn();
}

process.exit(await main());
