// The files of a worker share its runtime. Each begins with empty storage and with modules that nobody has used yet.
import { afterAll, vi } from "vitest";
import { freshState } from "./database.ts";
import { resetOwnModules, watchLookups } from "./plugin.ts";

resetOwnModules();
watchLookups();
await freshState();

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});
