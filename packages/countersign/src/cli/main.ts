import { isCountersignError } from "../errors.ts";
import { createClientCommand, listClientsCommand } from "./clients.ts";
import { type Command, readFlags } from "./command.ts";
import { Fault, misused } from "./fault.ts";
import { loginCommand, tokenCommand } from "./login.ts";
import { note, plain, say } from "./print.ts";
import { demoCommand, devCommand } from "./serve.ts";
import { tailCommand } from "./tail.ts";
import { createUserCommand } from "./users.ts";

const COMMANDS: Readonly<Record<string, Command>> = {
  dev: devCommand,
  demo: demoCommand,
  login: loginCommand,
  token: tokenCommand,
  "clients create": createClientCommand,
  "clients list": listClientsCommand,
  "users create": createUserCommand,
  tail: tailCommand,
};

const HELP = `countersign <command>

  dev             starts a server, the demo app and the phone page on this machine
  demo            plays a whole sign-in, and says how long each step took
  login           signs you in by your phone
  token           prints a good access token, for scripts
  clients create  registers an app
  clients list    lists the apps
  users create    makes a user
  tail            shows audit events as they happen

Each has --help. Exit codes: 0 done, 1 refused or unreachable, 2 not understood, 130 stopped.`;

function find(
  args: readonly string[],
): { readonly name: string; readonly rest: readonly string[] } | undefined {
  const [first = "", second = ""] = args;
  if (Object.hasOwn(COMMANDS, first)) return { name: first, rest: args.slice(1) };
  const two = `${first} ${second}`;
  return Object.hasOwn(COMMANDS, two) ? { name: two, rest: args.slice(2) } : undefined;
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  if (["--help", "-h", "help"].includes(args[0] ?? "")) {
    say(HELP);
    return 0;
  }
  const found = find(args);
  const command = found && COMMANDS[found.name];
  if (!found || !command)
    throw misused(`${args.length === 0 ? "A command is missing" : "Unknown command"}\n\n${HELP}`);
  const flags = readFlags(found.name, command, found.rest);
  if (flags === undefined) {
    say(command.help);
    return 0;
  }
  return await command.run({ ...flags, signal });
}

/** The exit code of what went wrong, and its words. */
function explain(error: unknown, isStopped: boolean): number {
  if (isStopped) return 130;
  if (error instanceof Fault) {
    note(error.message);
    return error.code;
  }
  if (isCountersignError(error)) {
    const words = error.description ?? error.error;
    note(plain(words && !error.message.includes(words) ? `${error.message}: ${words}` : error.message));
    return error.code === "invalid_argument" ? 2 : 1;
  }
  note(plain(error instanceof Error ? error.message : String(error)));
  return 1;
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => stop.abort());
// Nobody reads on, as behind `countersign tail | head`.
process.stdout.on("error", () => process.exit(0));
const code = await main(process.argv.slice(2), stop.signal).catch((error) =>
  explain(error, stop.signal.aborted),
);
// A socket that is still closing would hold the process for seconds.
process.stdout.write("", () => process.exit(code));
