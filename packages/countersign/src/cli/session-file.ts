import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import type { TokenStorage } from "../client.ts";

/** Who is signed in, and where; `session` is the library's text. */
type Held = { readonly issuer: string; readonly clientId: string; readonly session: string };

/** XDG Base Directory: a path that is not absolute does not count. */
export function sessionFile(): string {
  const given = process.env.XDG_CONFIG_HOME ?? "";
  return join(isAbsolute(given) ? given : join(homedir(), ".config"), "countersign", "session.json");
}

export function readHeld(): Held | undefined {
  try {
    const held = JSON.parse(readFileSync(sessionFile(), "utf8")) as Partial<Held>;
    const isWhole = [held.issuer, held.clientId, held.session].every((text) => typeof text === "string");
    return isWhole ? (held as Held) : undefined;
  } catch {
    return undefined;
  }
}

/** Written beside and then renamed: nobody reads half a file, and its mode is right from the first byte. */
function write(held: Held): void {
  const file = sessionFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}`;
  rmSync(beside, { force: true });
  writeFileSync(beside, JSON.stringify(held), { mode: 0o600, flag: "wx" });
  chmodSync(beside, 0o600);
  renameSync(beside, file);
}

/** Keeps tokens in a file of mode 0600, for one server and client. */
export function fileStorage(issuer: string, clientId: string): TokenStorage {
  const mine = () => {
    const held = readHeld();
    return held?.issuer === issuer && held.clientId === clientId ? held : undefined;
  };
  return {
    get: () => mine()?.session,
    set: (session) => write({ issuer, clientId, session }),
    remove: () => {
      if (mine()) rmSync(sessionFile(), { force: true });
    },
  };
}
