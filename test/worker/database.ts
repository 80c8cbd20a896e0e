import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { migrated } from "./plugin.ts";

/** Brings an empty database to the newest migration. */
export async function migrate(): Promise<void> {
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
}

/** What the migrations have made of an empty database, as statements: the tables and indexes, and the names of the migrations. */
async function madeByMigrations(): Promise<readonly string[]> {
  const made = `SELECT sql AS text FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' ORDER BY rowid`;
  const names = `SELECT 'INSERT INTO d1_migrations (name) VALUES (''' || name || ''')' AS text FROM d1_migrations ORDER BY id`;
  const [schema, notes] = await env.DB.batch<{ text: string }>([env.DB.prepare(made), env.DB.prepare(names)]);
  return [...(schema?.results ?? []), ...(notes?.results ?? [])].map(({ text }) => text);
}

/** For `beforeEach`: empties database, objects and queues, then migrates again. Done for every file by `setup.ts`. */
export async function freshState(): Promise<void> {
  // A reset passes over an object that the runtime has put away, and D1 is one: a file of ten idle seconds left its rows to the next.
  await env.DB.prepare("SELECT 1").run();
  await reset();
  const left = await env.DB.prepare("SELECT count(*) AS tables FROM sqlite_master").first("tables");
  if (left !== 0) throw new Error(`${left} tables are there after the reset`);
  // One batch, five times as fast as the migrations, which a runtime runs once.
  if (migrated.statements) await env.DB.batch(migrated.statements.map((text) => env.DB.prepare(text)));
  else {
    await migrate();
    migrated.statements = await madeByMigrations();
  }
}
