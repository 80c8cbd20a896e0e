import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Places, Values } from "./kept.ts";

type NullKeys<Row> = { [Key in keyof Row]: null extends Row[Key] ? Key : never }[keyof Row];
type Present<Row> = Omit<Row, NullKeys<Row>> & { [Key in NullKeys<Row>]?: NonNullable<Row[Key]> };

/** A row as the domain writes it: what is null in the table is absent. */
export const present = <Row extends object>(row: Row): Present<Row> =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Present<Row>;

/** `SELECT <the row's values> WHERE guard`, for an insert that must write only while the guard holds. */
export function rowWhere<Table extends SQLiteTable>(
  table: Table,
  row: Table["$inferInsert"],
  guard: SQL,
  /** Members that the database works out. */
  computed: { readonly [Key in keyof Table["$inferInsert"]]?: SQL } = {},
): SQL {
  const given: Record<string, unknown> = row;
  const worked: Record<string, SQL | undefined> = computed;
  const values = Object.entries(getTableColumns(table)).map(
    ([key, column]) => worked[key] ?? (given[key] === undefined ? sql`null` : sql.param(given[key], column)),
  );
  return sql`select ${sql.join(values, sql`, `)} where ${guard}`;
}

/** The values of a row for a statement that is put together once: each column's, by its name behind `prefix`. */
export function rowValues<Table extends SQLiteTable>(
  table: Table,
  row: Table["$inferInsert"],
  prefix: string,
): Values {
  const given: Record<string, unknown> = row;
  return Object.fromEntries(Object.keys(getTableColumns(table)).map((key) => [prefix + key, given[key]]));
}

/** The row whose members are the places of these values. */
export function rowPlaces<Table extends SQLiteTable>(
  table: Table,
  at: Places<Values>,
  prefix: string,
): Table["$inferInsert"] {
  return Object.fromEntries(Object.keys(getTableColumns(table)).map((key) => [key, at(prefix + key)]));
}
