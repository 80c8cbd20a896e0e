import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import type { TokenStorage } from "countersign";

/** Keeps the session in a file that only its user can read. */
export const fileStorage = (path: string): TokenStorage => ({
  get: () => readFile(path, "utf8").catch(() => undefined),
  async set(value) {
    await writeFile(path, value, { mode: 0o600 });
    await chmod(path, 0o600); // a file that was there keeps its mode otherwise
  },
  remove: () => rm(path, { force: true }),
});
