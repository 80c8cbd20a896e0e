/** The decisions of `npm run deploy`, as functions of text: what exists already, what is missing, what to write. */
import { createHash } from "node:crypto";

/** Keys that nobody can read back from Cloudflare: what they sealed is lost without them. */
export const KEYS = ["KEY_ENCRYPTION_KEY", "HANDLE_KEY", "PEPPER"] as const;
export const SECRETS = ["ADMIN_TOKEN", ...KEYS] as const;

export type KeyName = (typeof KEYS)[number];
export type SecretName = (typeof SECRETS)[number];
export type Secrets = Readonly<Partial<Record<SecretName, string>>>;
export type Run = { readonly code: number; readonly out: string };

/** What a deployment is called in its account. */
export type Names = {
  readonly worker: string;
  readonly database: string;
  readonly queue: string;
  readonly deadQueue: string;
};

/** The Worker's name in the wrangler.toml of this repository. */
export const CHECKED_OUT = "countersign";
/** A queue's name has 63 characters at most, `-events-dead` included. */
const WORKER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,49}[a-z0-9])?$/;
const DATABASE_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The first `key = "value"` of wrangler.toml, on a line of its own. */
export const inToml = (toml: string, key: string): string | undefined =>
  new RegExp(`^${key} = "([^"]*)"`, "m").exec(toml)?.[1];

/** What an operator asks for by the environment of `npm run deploy`. */
export type Asked = { readonly worker?: string | undefined; readonly database?: string | undefined };

/**
 * Database, queues and counters are named after the Worker (`asked.worker`, else `name` in wrangler.toml), so that two deployments of one
 * account share nothing. A name that an operator wrote into wrangler.toml stays, and so does `asked.database`.
 */
export function namesOf(toml: string, asked: Asked = {}): Names {
  const worker = asked.worker || inToml(toml, "name") || CHECKED_OUT;
  if (!WORKER_NAME.test(worker)) {
    throw new Error(
      `a Worker's name is lower-case letters, digits and hyphens here, 51 at most; not: ${worker}`,
    );
  }
  const named = (key: string, suffix: string): string => {
    const written = inToml(toml, key);
    const isOwn = !asked.worker && written !== undefined && written !== CHECKED_OUT + suffix;
    return isOwn ? written : worker + suffix;
  };
  const database = asked.database || named("database_name", "");
  if (!DATABASE_NAME.test(database)) throw new Error(`not a database's name: ${database}`);
  return {
    worker,
    database,
    queue: named("queue", "-events"),
    deadQueue: named("dead_letter_queue", "-events-dead"),
  };
}

/** Where the configuration of a deployment is written: a file for each Worker, ignored by git. */
export const configFile = (toml: string, { worker }: Pick<Names, "worker">): string =>
  worker === (inToml(toml, "name") ?? CHECKED_OUT)
    ? "wrangler.deploy.toml"
    : `wrangler.deploy.${worker}.toml`;

/** The id that `wrangler d1 list --json` gives for a database; undefined when there is none of that name. */
export function findDatabaseId(listing: string, name: string): string | undefined {
  const rows = JSON.parse(listing) as ReadonlyArray<{ uuid: string; name: string }>;
  return rows.find((row) => row.name === name)?.uuid;
}

/** Counters are told apart by a positive integer that is unique in the account. */
function counterId(worker: string, id: string): string {
  if (worker === CHECKED_OUT) return id;
  const digest = createHash("sha256").update(`${worker}/${id}`).digest();
  return String(10_000 + (digest.readUInt32BE() % 2_000_000_000));
}

/**
 * wrangler.toml with the real database id and the names of this deployment; under the checked-out name only the id differs.
 * Throws when a place for one is missing.
 */
export function deployConfig(toml: string, names: Names, id: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new Error(`not a database id: ${id}`);
  const values: ReadonlyArray<readonly [key: string, lines: number, value: string]> = [
    ["database_id", 1, id],
    ["database_name", 1, names.database],
    ["queue", 2, names.queue],
    ["dead_letter_queue", 1, names.deadQueue],
  ];
  let config = toml;
  for (const [key, lines, value] of values) {
    const places = new RegExp(`^${key} = "[^"]*"`, "gm");
    const found = config.match(places)?.length ?? 0;
    if (found !== lines)
      throw new Error(`wrangler.toml holds ${found} lines ${key} = "…", expected ${lines}`);
    config = config.replace(places, `${key} = "${value}"`);
  }
  return config
    .replace(/^name = "[^"]*"/m, `name = "${names.worker}"`)
    .replace(
      /^namespace_id = "(\d+)"/gm,
      (_, counter: string) => `namespace_id = "${counterId(names.worker, counter)}"`,
    );
}

/**
 * Which secrets the Worker lacks. Only wrangler's own "Worker not found" counts as "none yet": taking any other failure for an
 * empty list would overwrite the keys that everything at rest is sealed with.
 */
export function missingSecrets(listed: Run): readonly SecretName[] {
  if (isNewWorker(listed)) return SECRETS;
  if (listed.code !== 0) throw new Error(`the secrets could not be listed\n${listed.out}`);
  const present = namesListed(listed);
  return SECRETS.filter((name) => !present.includes(name));
}

/** The names that `wrangler secret list --format json` gives. */
export const namesListed = ({ code, out }: Run): readonly string[] =>
  code === 0 ? (JSON.parse(out) as ReadonlyArray<{ name: string }>).map(({ name }) => name) : [];

export function isNewWorker(listed: Run): boolean {
  return listed.code !== 0 && /Worker "[^"]+" not found\./.test(listed.out);
}

/** Whether a queue is to be made, from `wrangler queues info`. */
export function isMissingQueue(info: Run): boolean {
  if (info.code === 0) return false;
  if (/Queue "[^"]+" does not exist/.test(info.out)) return true;
  throw new Error(`the queue could not be looked up\n${info.out}`);
}

/** The tables of a database, and whether one that somebody used has rows: read by `wrangler d1 execute --json`. */
export const TABLES_QUERY =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'";
export const ROWS_QUERY =
  "SELECT (SELECT count(*) FROM clients) + (SELECT count(*) FROM users) + (SELECT count(*) FROM signing_keys) AS n";

/** The rows of the one statement that `wrangler d1 execute --json` was given. */
export function rowsOf<Row>(answer: string): readonly Row[] {
  const [first] = JSON.parse(answer) as ReadonlyArray<{ results?: readonly Row[] }>;
  if (first?.results === undefined) throw new Error(`wrangler d1 execute answered no rows\n${answer}`);
  return first.results;
}

/** `bare`: no table but the list of migrations. `foreign`: tables of something else. `ours`: its rows are to be counted. */
export function tablesAre(names: readonly string[]): "bare" | "ours" | "foreign" {
  const own = names.filter((name) => name !== "d1_migrations");
  if (own.length === 0) return "bare";
  return ["clients", "users", "signing_keys"].every((name) => own.includes(name)) ? "ours" : "foreign";
}

/** The variables to give with the deployment. A first one must name its issuer: tokens carry it for good. */
export function issuerArguments(
  issuer: string | undefined,
  toml: string,
  isFirst: boolean,
): readonly string[] {
  if (issuer) {
    // The Worker itself refuses everything else (src/env.ts).
    if (!URL.canParse(issuer) || !issuer.startsWith("https://") || new URL(issuer).origin !== issuer) {
      throw new Error("ISSUER must be an https origin: scheme and host, no path and no slash at its end");
    }
    return ["--var", `ISSUER:${issuer}`];
  }
  if (isFirst && !/^ISSUER = "/m.test(toml)) {
    throw new Error("a first deployment needs its address: ISSUER=https://sign.example npm run deploy");
  }
  return [];
}

/** What a deployment does not do yet, one line each, by what can be seen from here. */
export function unconfigured(
  toml: string,
  secretNames: readonly string[],
  issuer: string | undefined,
): string[] {
  const isSet = (name: string): boolean => inToml(toml, name) !== undefined || secretNames.includes(name);
  const host = issuer === undefined ? undefined : new URL(issuer).hostname;
  const isRouted =
    /^(?:routes?|workers_dev) *=|^\[\[routes\]\]/m.test(toml) || host?.endsWith(".workers.dev");
  return [
    ...(isSet("DELIVERY")
      ? []
      : [
          "DELIVERY is not set in wrangler.toml: unless it is a variable in the dashboard, no code and no link is sent, so nobody can prove an address (docs/delivery.md).",
        ]),
    ...(isRouted
      ? []
      : [
          `wrangler.toml names no route: unless the dashboard has one, ${host ?? "the issuer's host"} does not lead to this Worker (docs/operating.md, "A domain of your own").`,
        ]),
  ];
}
