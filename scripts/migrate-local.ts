/**
 * Brings a local database to the newest migration. `wrangler d1 migrations apply --local` does the same: it starts a runtime for each
 * migration, prints all of them, and takes longer than everything else of a first start.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { D1Database } from "@cloudflare/workers-types";

/** What is used of wrangler's own module. */
type Wrangler = Pick<
  typeof import("wrangler"),
  "getPlatformProxy" | "unstable_readConfig" | "unstable_splitSqlQuery"
>;

/** Where wrangler notes which migrations a database has had: either may go on where the other has stopped. */
const NOTED = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** How this database is named in wrangler.toml: its place among the local ones comes from that. */
function databaseOf({ unstable_readConfig }: Wrangler, config: string) {
  const [database] = unstable_readConfig({ config }).d1_databases;
  if (database === undefined) throw new Error(`${config} names no D1 database`);
  return database;
}

/** Applies what is missing, each migration wholly or not at all; answers the names of those. An error names the one that failed. */
async function apply(
  database: D1Database,
  folder: string,
  split: Wrangler["unstable_splitSqlQuery"],
): Promise<readonly string[]> {
  await database.prepare(NOTED).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const had = new Set(results.map(({ name }) => name));
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql") && !had.has(file));
  for (const file of files.sort()) {
    const statements = split(readFileSync(join(folder, file), "utf8"));
    const note = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(file);
    await database
      .batch([...statements.map((text) => database.prepare(text)), note])
      .catch((cause: Error) => {
        throw new Error(`migration ${file} failed: ${cause.message}`, { cause });
      });
  }
  return files;
}

/**
 * Migrates the database that `wrangler dev --persist-to stateDir` of the project in `root` uses; answers what was applied.
 * `wranglerBin` is that wrangler's command.
 */
export async function migrateLocal(
  root: string,
  stateDir: string,
  wranglerBin: string,
): Promise<readonly string[]> {
  const entry = createRequire(wranglerBin).resolve("wrangler");
  const { default: wrangler }: { default: Wrangler } = await import(pathToFileURL(entry).href);
  const {
    binding,
    database_id,
    database_name,
    migrations_dir = "migrations",
  } = databaseOf(wrangler, join(root, "wrangler.toml"));
  // A configuration with nothing but the database: the rest of ours would be started, too.
  const folder = mkdtempSync(join(tmpdir(), "countersign-migrate-"));
  const configPath = join(folder, "wrangler.json");
  const only = {
    name: "migrate",
    compatibility_date: "2026-10-01",
    d1_databases: [{ binding, database_id, database_name }],
  };
  writeFileSync(configPath, JSON.stringify(only));
  try {
    const persist = { path: join(stateDir, "v3") };
    const proxy = await wrangler.getPlatformProxy<Record<string, D1Database>>({
      ...{ configPath, persist, envFiles: [], remoteBindings: false },
    });
    try {
      const database = proxy.env[binding];
      if (database === undefined) throw new Error(`there is no database ${binding}`);
      return await apply(database, join(root, migrations_dir), wrangler.unstable_splitSqlQuery);
    } finally {
      await proxy.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
