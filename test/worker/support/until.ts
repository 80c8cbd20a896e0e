import { vi } from "vitest";

/** Until `check` throws no more. The second that Vitest waits by itself is too short for a busy machine. `interval` in ms. */
export const until = <T>(check: () => T | Promise<T>, interval = 50): Promise<T> =>
  vi.waitFor(check, { timeout: 20_000, interval });
