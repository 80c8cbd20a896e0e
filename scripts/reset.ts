/**
 * Wipes local state: database, objects, queues. Secrets in .dev.vars stay. Environment: PORT and STATE_DIR as for `npm start`. A state
 * that a server uses is left alone: the server would answer 503 from then on.
 */
import { rmSync } from "node:fs";
import { heldBy, holderOf, portOf, stateDirOf } from "./serve-plan.ts";

const stateDir = stateDirOf(process.env, portOf(process.env));
const holder = await holderOf(stateDir);
if (holder === undefined) {
  rmSync(stateDir, { recursive: true, force: true });
  rmSync(`${stateDir}.lock`, { force: true });
  console.log(`Removed ${stateDir}`);
} else {
  console.error(heldBy(stateDir, holder));
  process.exitCode = 1;
}
