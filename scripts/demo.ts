/**
 * Shows a whole sign-in against a running server, by HTTP and WebSocket alone, and says how long each step took.
 *
 *   npm run demo [-- --url http://127.0.0.1:8787]
 *
 * Environment: ADMIN_TOKEN (the development one). Exit code 0 only if everything held.
 */
import { parseArgs } from "node:util";
import { makeTimeline } from "./demo/print.ts";
import { play } from "./demo/story.ts";

const DEFAULT_URL = "http://127.0.0.1:8787";

/** The origin that `--url` names, or undefined when the command line cannot be read. */
function originOfArguments(): string | undefined {
  try {
    const { values } = parseArgs({ options: { url: { type: "string", default: DEFAULT_URL } } });
    const url = new URL(values.url);
    return url.protocol === "http:" || url.protocol === "https:" ? url.origin : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when the server is ready, else why it is not. */
async function unready(origin: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    return answer.status === 200 ? undefined : `${origin}/healthz answers ${answer.status} ${text}`;
  } catch {
    return `No server answers on ${origin}. Start one with: npm start`;
  }
}

async function main(): Promise<number> {
  const origin = originOfArguments();
  if (origin === undefined) {
    console.error(`Usage: npm run demo [-- --url ${DEFAULT_URL}]`);
    return 1;
  }
  const trouble = await unready(origin);
  if (trouble !== undefined) {
    console.error(trouble);
    return 1;
  }
  console.log(`Countersign on ${origin}. All times in milliseconds.`);
  const timeline = makeTimeline((line) => console.log(line));
  try {
    const adminToken = process.env.ADMIN_TOKEN || "dev-admin-token";
    await play({ origin, adminToken, timeline });
  } catch {
    console.error("\nThe demo stopped at the step above: not everything held.");
    return 1;
  }
  console.log(`\nEverything held: ${timeline.steps} steps in ${timeline.elapsed().toFixed(0)} ms.`);
  return 0;
}

process.exit(await main());
