import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrateLocal } from "../../../scripts/migrate-local.ts";

const wrangler = resolve(import.meta.dirname, "../../../node_modules/wrangler/bin/wrangler.js");
const DATABASE = '[[d1_databases]]\nbinding = "DB"\ndatabase_name = "some"\ndatabase_id = "some-id"\n';
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "countersign-migrate-test-"));
  mkdirSync(join(root, "migrations"));
  configure(DATABASE);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const configure = (text: string) => writeFileSync(join(root, "wrangler.toml"), `name = "some"\n${text}`);
const write = (name: string, text: string) => writeFileSync(join(root, "migrations", name), text);
const migrate = () => migrateLocal(root, join(root, "state"), wrangler);

/** The tables of the one database, without the runtime's own. */
function tables(): readonly string[] {
  const files = globSync(join(root, "state/v3/d1/*/*.sqlite")).filter((file) => !file.includes("metadata"));
  expect(files).toHaveLength(1);
  const database = new DatabaseSync(String(files[0]), { readOnly: true });
  const names = database.prepare("select name from sqlite_master where type = 'table' order by name").all();
  database.close();
  return names.map(({ name }) => String(name)).filter((name) => !/^(d1_|_cf|sqlite_)/.test(name));
}

test("migrations are applied in the order of their names, each once", async () => {
  write("0001_two.sql", "ALTER TABLE one ADD b text;--> statement-breakpoint\nCREATE TABLE two (a text);\n");
  write("0000_one.sql", "CREATE TABLE one (a text);");
  write("notes.txt", "no migration");
  expect(await migrate()).toEqual(["0000_one.sql", "0001_two.sql"]);
  expect(await migrate()).toEqual([]);
  write("0002_three.sql", "CREATE TABLE three (a text);");
  expect(await migrate()).toEqual(["0002_three.sql"]);
  expect(tables()).toEqual(["one", "three", "two"]);
});

test("of a migration that fails nothing stays, and what came before it does", async () => {
  write("0000_one.sql", "CREATE TABLE one (a text);");
  write("0001_two.sql", "CREATE TABLE two (a text); CREATE TABLE one (a text);");
  await expect(migrate()).rejects.toThrow(/migration 0001_two\.sql failed: .*one already exists/);
  expect(tables()).toEqual(["one"]);
  write("0001_two.sql", "CREATE TABLE two (a text);");
  expect(await migrate()).toEqual(["0001_two.sql"]);
  expect(tables()).toEqual(["one", "two"]);
});

test("a configuration without a database is an error with its name", async () => {
  configure("");
  await expect(migrate()).rejects.toThrow(/wrangler\.toml names no D1 database/);
});
