import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file when it has changed: a server that watches its files would begin anew for the same bytes. Several servers may start at
 * once: a file is there whole or as it was.
 */
export function put(file: string, text: string): void {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  mkdirSync(dirname(file), { recursive: true });
  const made = `${file}.${randomUUID()}`;
  writeFileSync(made, text);
  renameSync(made, file);
}
