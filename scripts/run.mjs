/**
 * What every npm script begins with, in the syntax of old Nodes: says in one line what is missing, then runs the script that is
 * named (`run.mjs start …`), if one is.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** From here on Node runs TypeScript as it is. */
const NEEDED = [22, 18];
const here = dirname(fileURLToPath(import.meta.url));
const tools = join(here, "..", "node_modules");

/** What keeps the scripts from running, in one line; undefined when nothing does. */
function missing() {
  if (!existsSync(join(tools, "wrangler", "package.json")))
    return "The tools are not installed yet. Run: npm ci";
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return undefined;
  if (!existsSync(join(tools, "node", "bin", "node"))) {
    return `This is Node ${process.versions.node}, and the Node 24 of the tools is missing: install scripts did not run. Run: npm ci --ignore-scripts=false`;
  }
  return `This is Node ${process.versions.node}. Start by npm (npm start), which finds the Node 24 of the tools, or put node_modules/.bin on PATH`;
}

const reason = missing();
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}
const [name] = process.argv.splice(2, 1);
if (name !== undefined) {
  const script = join(here, `${name}.ts`);
  process.argv[1] = script;
  await import(pathToFileURL(script).href);
}
