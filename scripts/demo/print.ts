import { styleText } from "node:util";

export type Who = "operator" | "phone" | "backend" | "tv" | "browser";

/** A calm timeline: when a step began and how long it took, in milliseconds, who acted, and what came of it. */
export type Timeline = {
  heading(text: string): void;
  /** Runs one step, prints its line, hands back its value; a step that throws is printed as failed and thrown on. */
  step<T>(who: Who, doing: string, work: () => Promise<T>, result?: (value: T) => string): Promise<T>;
  readonly steps: number;
  /** Milliseconds since the timeline was made. */
  elapsed(): number;
};

const pad = (ms: number, width: number): string => ms.toFixed(0).padStart(width);
const faint = (text: string): string => styleText("dim", text, { stream: process.stdout });
const strong = (text: string): string => styleText("bold", text, { stream: process.stdout });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Starts a timeline that writes lines by `write`. */
export function makeTimeline(write: (line: string) => void): Timeline {
  const startedAt = performance.now();
  let steps = 0;
  const elapsed = () => performance.now() - startedAt;
  return {
    get steps() {
      return steps;
    },
    elapsed,
    heading(text) {
      write("");
      write(strong(text));
      write(faint("      at    took  who       what"));
    },
    async step(who, doing, work, result) {
      const began = performance.now();
      const at = began - startedAt;
      const line = (mark: string, text: string) =>
        `${faint(`${pad(at, 8)}${pad(performance.now() - began, 8)}`)}  ${who.padEnd(8)}  ${mark}${text}`;
      try {
        const value = await work();
        steps += 1;
        const seen = result?.(value);
        write(line("", seen === undefined ? doing : `${doing}: ${seen}`));
        return value;
      } catch (error) {
        write(line("FAILED  ", `${doing}: ${messageOf(error)}`));
        throw error;
      }
    },
  };
}
