import { env } from "cloudflare:workers";
import { getTableColumns } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import * as development from "../../src/store/dev-schema.ts";
import * as schema from "../../src/store/schema.ts";

const tables = Object.values({ ...schema, ...development }).filter((table) => table instanceof SQLiteTable);

test("the migrations make exactly the columns that the schema names", async () => {
  expect(tables).toHaveLength(16);
  for (const table of tables) {
    const { name } = getTableConfig(table);
    const { results } = await env.DB.prepare('select name, "notnull" from pragma_table_info(?)')
      .bind(name)
      .all();
    const wanted = Object.values(getTableColumns(table)).map((column) => ({
      name: column.name,
      notnull: Number(column.notNull),
    }));
    expect(results, name).toEqual(wanted);
  }
});

test("every table but the clients' is WITHOUT ROWID: an insert writes one row, not two", async () => {
  const { results } = await env.DB.prepare(
    "select name, wr from pragma_table_list where type = 'table' and schema = 'main'",
  ).all<{ name: string; wr: number }>();
  const withoutRowid = results.filter(({ wr }) => wr === 1).map(({ name }) => name);
  const wanted = tables.map((table) => getTableConfig(table).name).filter((name) => name !== "clients");
  expect(withoutRowid.sort()).toEqual(wanted.sort());
});
