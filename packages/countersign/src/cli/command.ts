import { type ParseArgsConfig, parseArgs } from "node:util";
import { misused } from "./fault.ts";

export type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

export type Call = {
  readonly values: Values;
  /** What follows `--`. */
  readonly rest: readonly string[];
  readonly signal: AbortSignal;
};

export type Command = {
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** Answers the exit code. Throws a `Fault` or a `CountersignError`. */
  run(call: Call): Promise<number>;
};

const HELP = { help: { type: "boolean", short: "h" } } as const;

/** Reads the flags of a command; `undefined` when help is asked for. Throws a `Fault` of code 2 for what it does not know. */
export function readFlags(
  name: string,
  command: Command,
  args: readonly string[],
): Omit<Call, "signal"> | undefined {
  const hint = `See: countersign ${name} --help`;
  const at = args.indexOf("--");
  const own = at === -1 ? args : args.slice(0, at);
  try {
    const { values } = parseArgs({ args: [...own], options: { ...command.options, ...HELP }, strict: true });
    if (values.help) return undefined;
    return { values: values as Values, rest: at === -1 ? [] : args.slice(at + 1) };
  } catch (error) {
    // Only the name of a flag is repeated: the value beside it may be a secret.
    throw misused(`${wordsOf(error, own, command)}\n${hint}`);
  }
}

function wordsOf(error: unknown, args: readonly string[], command: Command): string {
  const { code } = error as NodeJS.ErrnoException;
  const known = (flag: string) => Object.hasOwn({ ...command.options, ...HELP }, flag);
  const unknown = args
    .map((arg) => /^--([^=]*)/.exec(arg)?.[1] ?? "")
    .find((flag) => flag !== "" && !known(flag));
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    if (unknown === undefined) return "Unknown flag";
    if (/token|secret|password/.test(unknown)) {
      return `Unknown flag --${unknown}. A token is never an argument: set COUNTERSIGN_ADMIN_TOKEN`;
    }
    const near = Object.keys(command.options).find((flag) => flag.startsWith(unknown.slice(0, 3)));
    return `Unknown flag --${unknown}${near === undefined ? "" : `. Did you mean --${near}?`}`;
  }
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") return "There is a word too many";
  return "A flag has no value, or one that it does not take";
}

/** A flag's text; `undefined` when it is not there. */
export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A flag's text. Throws a `Fault` of code 2 when it is missing. */
export function needed(values: Values, name: string): string {
  const value = textOf(values, name);
  if (value === undefined) throw misused(`--${name} is missing`);
  return value;
}

export const listOf = (values: Values, name: string): string[] | undefined =>
  Array.isArray(values[name]) ? (values[name] as string[]) : undefined;
