import type { Services } from "../ports/services.ts";
import { COLLECTABLE } from "./carried-code.ts";

type Powers = Pick<Services, "keyring" | "userCodes" | "nonces" | "clock" | "log">;

/** Rows that one run deletes at most; the next run goes on. */
export const PURGED_PER_RUN = 1_000;

/** What is done by the clock: rotating keys that are old, deleting codes that are over. One failing does not stop the other. */
export async function upkeep(powers: Powers): Promise<void> {
  const tasks = {
    keys: () => powers.keyring.upkeep(),
    codes: () => powers.userCodes.purge(powers.clock.now() - COLLECTABLE, PURGED_PER_RUN),
    nonces: () => powers.nonces.purge(powers.clock.now(), PURGED_PER_RUN),
  };
  await Promise.all(
    Object.entries(tasks).map(async ([task, run]) => {
      try {
        await run();
      } catch (cause) {
        powers.log("error", "upkeep was cut short", { task, cause });
      }
    }),
  );
}
