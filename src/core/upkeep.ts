import { COLLECTABLE } from "./code/lifetimes.ts";
import type { Services } from "./ports/services.ts";
import { DAY } from "./time.ts";

type Powers = Pick<Services, "keyring" | "userCodes" | "nonces" | "held" | "config" | "clock" | "log">;

/** Rows that one run deletes at most; the next run goes on. */
export const PURGED_PER_RUN = 1_000;

/** Statements of `PURGED_PER_RUN` rows each that one run spends on the audit trail: the tables are others' too. */
export const TRAIL_PORTIONS = 10;
/** A message waits for four days at most, and what it holds is an hour older at most. */
const LATEST_ROW = 7 * DAY;

async function inPortions(portion: (size: number) => Promise<number>): Promise<void> {
  for (let done = 0; done < TRAIL_PORTIONS; done += 1) {
    if ((await portion(PURGED_PER_RUN)) < PURGED_PER_RUN) return;
  }
}

/**
 * What is done by the clock: rotating keys that are old, deleting codes that are over and audit rows past their time, emptying late rows of
 * users who were erased. One failing does not stop the others.
 */
export async function upkeep(powers: Powers): Promise<void> {
  const tasks = {
    keys: () => powers.keyring.upkeep(),
    codes: () => powers.userCodes.purge(powers.clock.now() - COLLECTABLE, PURGED_PER_RUN),
    nonces: () => powers.nonces.purge(powers.clock.now(), PURGED_PER_RUN),
    trail: () => trimTrail(powers),
    erasures: () => finishErasures(powers),
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

async function trimTrail({ held, config, clock }: Powers): Promise<void> {
  const { auditKept } = config;
  if (auditKept === undefined) return;
  await inPortions((size) => held.trim(clock.now() - auditKept, size));
}

async function finishErasures({ held, clock }: Powers): Promise<void> {
  await inPortions((size) => held.eraseLate(size));
  await held.endErasures(clock.now() - LATEST_ROW, PURGED_PER_RUN);
}
