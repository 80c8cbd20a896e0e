/** Wipes local state: database, objects, queues. Secrets in .dev.vars stay. */
import { rmSync } from "node:fs";
import { resolve } from "node:path";

const stateDir = resolve(import.meta.dirname, "..", process.env.STATE_DIR || ".wrangler/state");
rmSync(stateDir, { recursive: true, force: true });
console.log(`Removed ${stateDir}`);
