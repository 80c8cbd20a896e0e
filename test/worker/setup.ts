// The files of a worker share its runtime. Each begins with empty storage and with modules that nobody has used yet.
import { afterAll, vi } from "vitest";
import { freshState } from "./database.ts";
import { resetOwnModules, watchLookups } from "./plugin.ts";

resetOwnModules();
watchLookups();
await freshState();
// No answer has to leave here, and whoever waits for a request's context would wait for that pause each time.
const { behindAnswer } = await import("../../src/wiring.ts");
behindAnswer.after = 0;

afterAll(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  // Imported here, for the test's own copy: the modules were made new above.
  const { allSettled } = await import("./support/contexts.ts");
  await allSettled();
});
