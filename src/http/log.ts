import type { Clock, Log } from "../core/ports/edge.ts";
import { scrub, scrubText } from "./scrub.ts";

type Sink = Readonly<Record<"info" | "warn" | "error", (line: string) => void>>;

/** One JSON line for each entry: at (ISO 8601), level, message, fields. Secrets never get as far as the line (T104). */
export function makeLog(clock: Clock, sink: Sink = console): Log {
  return (level, message, fields = {}) => {
    const entry = { at: new Date(clock.now()).toISOString(), level, message: scrubText(message) };
    sink[level](JSON.stringify({ ...(scrub(fields) as object), ...entry }));
  };
}
