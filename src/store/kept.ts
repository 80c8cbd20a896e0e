import { is, Param, Placeholder, type Query } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { Store } from "./database.ts";

/** Where the values of a statement go: `at("id")` stands for the value of that name, wherever drizzle takes a value. */
export type Places<Given> = (name: keyof Given & string) => never;

/** Values by name, where their names are put together. */
export type Values = Readonly<Record<string, unknown>>;

/** What drizzle keeps of a statement that it has put together. */
type Prepared = { query: Query; execute(): Promise<unknown> };
type Statement = BatchItem<"sqlite"> & { _prepare(): unknown };

const place = (name: string): never => new Placeholder(name) as never;

/**
 * A statement whose text is put together once for each database and shape, because that costs more than all else that is done for a
 * short query. `build` gets places instead of values, and must look at nothing else that changes but `shape`. What is answered is used like the
 * statement itself: awaited, or put into a batch. A value that is undefined is written as null.
 */
export function kept<Given extends object, Made, Shape extends string | number = "">(
  build: (db: Store, at: Places<Given>, shape: Shape) => Made,
): (db: Store, given: Given, ...shape: Shape extends "" ? [] : [Shape]) => Made {
  const made = new WeakMap<Store, Map<string | number, Prepared>>();
  return (db, given, ...[shape = ""]) => {
    const known = made.get(db) ?? new Map<string | number, Prepared>();
    made.set(db, known);
    let prepared = known.get(shape);
    if (prepared === undefined) {
      const statement = build(db, place, shape as Shape) as Statement;
      prepared = statement._prepare() as Prepared;
      known.set(shape, prepared);
    }
    return withValues(prepared, given) as Made;
  };
}

/** The same statement with its values in place. */
function withValues(prepared: Prepared, given: object): unknown {
  const values = given as Values;
  const bound: Prepared = Object.create(prepared);
  const { sql, params } = prepared.query;
  bound.query = { sql, params: params.map((param) => filled(param, values)) };
  return {
    _prepare: () => bound,
    // biome-ignore lint/suspicious/noThenProperty: a statement of drizzle is awaited, and so is this.
    then: (heard: () => unknown, failed: () => unknown) => bound.execute().then(heard, failed),
  };
}

function filled(param: unknown, values: Values): unknown {
  if (typeof param !== "object" || param === null) return param;
  if (is(param, Placeholder)) return valueNamed(param.name, values) ?? null;
  if (!is(param, Param) || !is(param.value, Placeholder)) return param;
  const value = valueNamed(param.value.name, values) ?? null;
  return value === null ? null : param.encoder.mapToDriverValue(value);
}

function valueNamed(name: string, values: Values): unknown {
  if (!Object.hasOwn(values, name)) throw new Error(`a statement has no value for ${name}`);
  return values[name];
}
