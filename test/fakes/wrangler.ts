import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** One command that wrangler was given; `secrets` and `mode` of the file that came with it. */
export type Call = {
  readonly args: readonly string[];
  readonly secrets?: Readonly<Record<string, string>>;
  readonly mode?: number;
};
export type StoodDatabase = { readonly id: string; tables: Record<string, number> };
/** An account as the stand-in keeps it, from command to command. */
export type Account = {
  workers: Record<string, { secrets: Record<string, string>; config?: string; vars?: readonly string[] }>;
  databases: Record<string, StoodDatabase>;
  queues: string[];
  /** What fails: the first words of a command, such as `deploy`. */
  fails: string[];
};

export const emptyAccount = (): Account => ({ workers: {}, databases: {}, queues: [], fails: [] });

/**
 * A `wrangler` that keeps an account in a file and says what the real one says (test/unit/scripts/deploy.test.ts compares). Migrating makes
 * the tables; rows are put in by tests.
 */
const STAND_IN = `#!${process.execPath}
const fs = require("node:fs");
const args = process.argv.slice(2);
const account = JSON.parse(fs.readFileSync(process.env.ACCOUNT, "utf8"));
const after = (flag) => { const at = args.indexOf(flag); return at < 0 ? undefined : args[at + 1]; };
const call = { args };
const handed = after("--secrets-file") ?? (args[0] === "secret" && args[1] === "bulk" ? args[2] : undefined);
if (handed) {
  call.secrets = JSON.parse(fs.readFileSync(handed, "utf8"));
  call.mode = fs.statSync(handed).mode & 0o777;
}
for (const name of ["KEY_ENCRYPTION_KEY", "HANDLE_KEY", "PEPPER", "ADMIN_TOKEN"]) if (process.env[name]) call.leaked = name;
fs.appendFileSync(process.env.CALLS, JSON.stringify(call) + "\\n");
const save = () => fs.writeFileSync(process.env.ACCOUNT, JSON.stringify(account));
const fail = (text) => { console.error(text); process.exit(1); };
const [a, b, c] = args;
const said = args.join(" ");
if (account.fails.some((words) => said.startsWith(words))) fail("refused");
const config = after("--config") ? fs.readFileSync(after("--config"), "utf8") : "";
const inConfig = (key) => new RegExp("^" + key + ' = "([^"]*)"', "m").exec(config)?.[1];
const database = () => Object.values(account.databases).find(({ id }) => id === inConfig("database_id")) ?? fail("no such database");
if (a === "d1" && b === "list") console.log(JSON.stringify(Object.entries(account.databases).map(([name, { id }]) => ({ name, uuid: id }))));
if (a === "d1" && b === "create") {
  const id = String(Object.keys(account.databases).length + 1).repeat(8) + "-2222-4333-8444-555555555555";
  account.databases[c] = { id, tables: {} };
  save();
}
if (a === "d1" && b === "migrations") {
  const { tables } = database();
  for (const name of ["clients", "users", "signing_keys", "d1_migrations"]) tables[name] ??= 0;
  save();
}
if (a === "d1" && b === "execute") {
  const { tables } = database();
  const query = after("--command");
  const rows = query.includes("sqlite_master") ? Object.keys(tables).map((name) => ({ name }))
    : query.includes("wrapped_by") ? [{ n: tables["sealed by " + /wrapped_by = (\\d+)/.exec(query)[1]] ?? 0 }]
    : [{ n: (tables.clients ?? 0) + (tables.users ?? 0) + (tables.signing_keys ?? 0) }];
  console.log(JSON.stringify([{ results: rows, success: true, meta: {} }]));
}
if (a === "queues" && b === "info" && !account.queues.includes(c)) fail('Queue "' + c + '" does not exist. To create it, run');
if (a === "queues" && b === "create") { account.queues.push(c); save(); }
if (a === "secret") {
  const worker = account.workers[after("--name")];
  if (!worker) fail('Worker "' + after("--name") + '" not found.');
  if (b === "list") console.log(JSON.stringify(Object.keys(worker.secrets).map((name) => ({ name, type: "secret_text" }))));
  if (b === "bulk") { Object.assign(worker.secrets, call.secrets); save(); }
}
if (a === "deploy") {
  const worker = (account.workers[inConfig("name")] ??= { secrets: {} });
  Object.assign(worker.secrets, call.secrets ?? {});
  worker.config = config;
  worker.vars = args.filter((_, at) => args[at - 1] === "--var");
  save();
}
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
  // Whatever lies in the folders above, the stand-in is no module.
  writeFileSync(join(bin, "package.json"), "{}");
  writeFileSync(join(bin, "wrangler"), STAND_IN);
  chmodSync(join(bin, "wrangler"), 0o755);
  const [world, calls] = [join(folder, "account.json"), join(folder, "calls")];
  writeFileSync(world, JSON.stringify(before));
  const account = () => JSON.parse(readFileSync(world, "utf8")) as Account;

  return {
    checkout,
    home,
    account,
    change(how) {
      const changed = account();
      how(changed);
      writeFileSync(world, JSON.stringify(changed));
    },
    async run(script, args = [], env = {}) {
      writeFileSync(calls, "");
      const child = spawn(process.execPath, [join(checkout, "scripts", `${script}.ts`), ...args], {
        cwd: checkout,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: `${bin}${delimiter}${process.env.PATH}`,
          HOME: home,
          TMPDIR: folder,
          ACCOUNT: world,
          CALLS: calls,
          ...env,
        },
      });
      let out = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk) => {
          out += chunk;
        });
      }
      const code = await new Promise<number>((done, fail) => {
        child.once("error", fail);
        child.once("close", (ended) => done(ended ?? 1));
      });
      const lines = existsSync(calls) ? readFileSync(calls, "utf8").split("\n").filter(Boolean) : [];
      return { code, out, calls: lines.map((line) => JSON.parse(line) as Call) };
    },
  };
}
