import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** One command that wrangler was given; `secrets` and `mode` of the file that came with it. */
export type Call = {
  readonly args: readonly string[];
  readonly secrets?: Readonly<Record<string, string>>;
  readonly mode?: number;
  /** A secret that stood among the variables of the command. */
  readonly leaked?: string;
};
export type StoodDatabase = { readonly id: string; tables: Record<string, number> };
/** An account as the stand-in keeps it. */
export type Account = {
  workers: Record<string, { secrets: Record<string, string>; config?: string; vars?: readonly string[] }>;
  databases: Record<string, StoodDatabase>;
  queues: string[];
  /** What fails: the first words of a command, such as `deploy`. */
  fails: string[];
};

export const emptyAccount = (): Account => ({ workers: {}, databases: {}, queues: [], fails: [] });

/** A refusal, in the words of the real one (test/unit/scripts/deploy.test.ts compares). */
class Refused extends Error {}

const SECRETS = ["KEY_ENCRYPTION_KEY", "HANDLE_KEY", "PEPPER", "ADMIN_TOKEN"];

const after = (args: readonly string[], flag: string): string | undefined =>
  args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;

function callOf(args: readonly string[], leaked: string): Call {
  const handed =
    after(args, "--secrets-file") ?? (args[0] === "secret" && args[1] === "bulk" ? args[2] : undefined);
  return {
    args,
    ...(handed !== undefined && {
      secrets: JSON.parse(readFileSync(handed, "utf8")) as Record<string, string>,
      mode: statSync(handed).mode & 0o777,
    }),
    ...(leaked !== "" && { leaked }),
  };
}

/** What an account answers to D1's commands. Migrating makes the tables; rows are put in by tests. */
function ofDatabases({ databases }: Account, [, verb, name = ""]: readonly string[], at: Asked): unknown {
  const bound = () => {
    const found = Object.values(databases).find(({ id }) => id === at.inConfig("database_id"));
    if (!found) throw new Refused("no such database");
    return found;
  };
  if (verb === "list") return Object.entries(databases).map(([own, { id }]) => ({ name: own, uuid: id }));
  if (verb === "create") {
    const id = `${String(Object.keys(databases).length + 1).repeat(8)}-2222-4333-8444-555555555555`;
    databases[name] = { id, tables: {} };
  }
  if (verb === "migrations") {
    const { tables } = bound();
    for (const made of ["clients", "users", "signing_keys", "d1_migrations"]) tables[made] ??= 0;
  }
  if (verb !== "execute") return undefined;
  const { tables } = bound();
  const query = after(at.args, "--command") ?? "";
  const { clients = 0, users = 0, signing_keys = 0 } = tables;
  const version = /wrapped_by = (\d+)/.exec(query)?.[1];
  const results = query.includes("sqlite_master")
    ? Object.keys(tables).map((table) => ({ name: table }))
    : [{ n: version ? (tables[`sealed by ${version}`] ?? 0) : clients + users + signing_keys }];
  return [{ results, success: true, meta: {} }];
}

function ofSecrets({ workers }: Account, { secrets = {} }: Call, { args }: Asked): unknown {
  const name = after(args, "--name") ?? "";
  const worker = workers[name];
  if (!worker) throw new Refused(`Worker "${name}" not found.`);
  if (args[1] === "bulk") Object.assign(worker.secrets, secrets);
  if (args[1] !== "list") return undefined;
  return Object.keys(worker.secrets).map((own) => ({ name: own, type: "secret_text" }));
}

function ofQueues({ queues }: Account, [, verb, name = ""]: readonly string[]): void {
  if (verb === "info" && !queues.includes(name))
    throw new Refused(`Queue "${name}" does not exist. To create it, run`);
  if (verb === "create") queues.push(name);
}

function release({ workers }: Account, { secrets = {} }: Call, { args, config, inConfig }: Asked): void {
  const name = inConfig("name") ?? "";
  const worker = workers[name] ?? { secrets: {} };
  Object.assign(worker.secrets, secrets);
  const vars = args.filter((_, at) => args[at - 1] === "--var");
  workers[name] = { ...worker, config, vars };
}

type Asked = {
  readonly args: readonly string[];
  /** The text of the configuration that the command names. */
  readonly config: string;
  inConfig(key: string): string | undefined;
};

/** Says what the real wrangler says, and changes the account as it would. */
function obey(account: Account, call: Call): unknown {
  const { args } = call;
  if (account.fails.some((words) => args.join(" ").startsWith(words))) throw new Refused("refused");
  const file = after(args, "--config");
  const config = file === undefined ? "" : readFileSync(file, "utf8");
  const inConfig = (key: string) => new RegExp(`^${key} = "([^"]*)"`, "m").exec(config)?.[1];
  const asked = { args, config, inConfig };
  if (args[0] === "d1") return ofDatabases(account, args, asked);
  if (args[0] === "queues") return ofQueues(account, args);
  if (args[0] === "secret") return ofSecrets(account, call, asked);
  if (args[0] === "deploy") return release(account, call, asked);
  return undefined;
}

/** The exit code, and below it what is printed. */
function answerOf(account: Account, call: Call): string {
  try {
    const said = obey(account, call);
    return said === undefined ? "0\n" : `0\n${JSON.stringify(said)}\n`;
  } catch (error) {
    if (error instanceof Refused) return `1\n${error.message}\n`;
    throw error;
  }
}

/** The command itself: hands its arguments to the test by one pipe and prints what comes back by the other. A Node for each would take most of the time. */
const STAND_IN = `#!/bin/sh
leaked=
for name in ${SECRETS.join(" ")}; do
  eval "value=\\$$name"
  if [ -n "$value" ]; then leaked=$name; fi
done
printf '%s\\0' "$leaked" "$@" > "$ASKED"
exec 3< "$ANSWERED"
read -r code <&3
if [ "$code" = 0 ]; then cat <&3; else cat <&3 >&2; fi
exit "$code"
`;

export type Ended = { readonly code: number; readonly out: string; readonly calls: readonly Call[] };

/** A copy of the operator's commands in `folder`, which share one account and one home. */
export type Desk = {
  readonly checkout: string;
  readonly home: string;
  account(): Account;
  /** Changes the account by hand. */
  change(how: (account: Account) => void): void;
  run(
    script: "deploy" | "secrets",
    args?: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<Ended>;
};

/** Nothing is written outside of `folder`: the commands run in a checkout of their own there. */
export function makeDesk(folder: string, before: Account = emptyAccount()): Desk {
  const [bin, home, checkout] = ["bin", "home", "checkout"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [bin, home, checkout]) mkdirSync(made);
  for (const name of ["scripts", "wrangler.toml", "package.json", ".dev.vars.example"]) {
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  }
  writeFileSync(join(bin, "wrangler"), STAND_IN);
  chmodSync(join(bin, "wrangler"), 0o755);
  const [asked, answered] = [join(folder, "asked"), join(folder, "answered")];
  execFileSync("mkfifo", [asked, answered]);
  const world = structuredClone(before);

  return {
    checkout,
    home,
    account: () => structuredClone(world),
    change: (how) => how(world),
    async run(script, args = [], env = {}) {
      const calls: Call[] = [];
      const child = spawn(process.execPath, [join(checkout, "scripts", `${script}.ts`), ...args], {
        cwd: checkout,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: `${bin}${delimiter}${process.env.PATH}`,
          HOME: home,
          TMPDIR: folder,
          ASKED: asked,
          ANSWERED: answered,
          ...env,
        },
      });
      let out = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk) => {
          out += chunk;
        });
      }
      let isOver = false;
      const code = new Promise<number>((done, fail) => {
        child.once("error", fail);
        child.once("close", (ended) => done(ended ?? 1));
      }).finally(async () => {
        isOver = true;
        await writeFile(asked, "");
      });
      for (;;) {
        // Comes back when a command has told all, or at the end.
        const text = await readFile(asked, "utf8");
        if (isOver) return { code: await code, out, calls };
        const [leaked = "", ...given] = text.split("\0").slice(0, -1);
        const call = callOf(given, leaked);
        calls.push(call);
        await writeFile(answered, answerOf(world, call));
      }
    },
  };
}
