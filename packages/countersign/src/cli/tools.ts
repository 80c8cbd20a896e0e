import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { failed, stopped } from "./fault.ts";
import { note, plain } from "./print.ts";

/** Put in by scripts/build-cli.ts: the version that this repository pins. */
declare const WRANGLER_VERSION: string;

export type Tools = { readonly node: string; readonly wrangler: string; readonly path: string };

/** What `npx countersign` itself was started with must not reach the npm that is started here. */
const OF_NPX =
  /^npm_(config_(package|call|yes|workspaces?)$|lifecycle_|package_|command$|execpath$|node_execpath$)/i;
export const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_NPX.test(name)));

/** Node 24 and wrangler from npm's cache, fetched the first time. Nothing is installed into the current folder. */
export async function fetchTools(signal: AbortSignal): Promise<Tools> {
  const timer = setTimeout(() => note("Fetching Node 24 and wrangler from npm, the first time only."), 3_000);
  const print = "JSON.stringify([process.execPath, process.env.PATH])";
  const packages = ["--package=node@24", `--package=wrangler@${WRANGLER_VERSION}`];
  try {
    const { stdout } = await promisify(execFile)(
      "npm",
      ["exec", "--yes", ...packages, "--", "node", "-p", print],
      {
        env: environment(),
        signal,
      },
    );
    const [node, path] = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as [string, string];
    return { node, path, wrangler: wranglerIn(path) };
  } catch (error) {
    if (signal.aborted) throw stopped();
    const { stderr, message } = error as Error & { readonly stderr?: string };
    const words = (stderr || message).split("\n").filter((line) => !/EBADENGINE/.test(line));
    throw failed(
      `npm could not fetch Node 24 and wrangler. They need their install scripts: npm must not ignore scripts.\n${words.map(plain).join("\n").trim()}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

function wranglerIn(path: string): string {
  for (const folder of path.split(delimiter).filter((each) => each.endsWith(".bin"))) {
    const home = resolve(folder, "../wrangler");
    const file = join(home, "package.json");
    if (!existsSync(file)) continue;
    if (JSON.parse(readFileSync(file, "utf8")).version === WRANGLER_VERSION)
      return join(home, "bin/wrangler.js");
  }
  throw new Error("wrangler is not where npm said");
}

/** The clone of the repository that the current folder lies in. */
export function cloneAbove(from = process.cwd()): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      if (name === "countersign-server" && existsSync(join(folder, "scripts/run.mjs"))) return folder;
    } catch {
      // No package here.
    }
    if (folder === dirname(folder)) return undefined;
  }
}
