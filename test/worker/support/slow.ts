/** Calls to D1 that wait for one another, as a slow database makes them count. */
export type Sequence = {
  readonly db: D1Database;
  /** How often one call or more began while none was under way, since last asked. */
  take(): number;
};

const PAUSE_MS = 5;
const REAL = Symbol("statement");

/** The real database, each call of which takes a while, so that calls made together are under way together. */
export function slowD1(real: D1Database): Sequence {
  let underWay = 0;
  let rounds = 0;
  const slowly = async <T>(work: () => Promise<T>): Promise<T> => {
    if (underWay === 0) rounds++;
    underWay++;
    try {
      await new Promise((wake) => setTimeout(wake, PAUSE_MS));
      return await work();
    } finally {
      underWay--;
    }
  };
  const statement = (own: D1PreparedStatement): D1PreparedStatement =>
    ({
      [REAL]: own,
      bind: (...values: unknown[]) => statement(own.bind(...values)),
      all: () => slowly(() => own.all()),
      run: () => slowly(() => own.run()),
      raw: () => slowly(() => own.raw()),
      first: () => slowly(() => own.first()),
    }) as unknown as D1PreparedStatement;
  const db = {
    prepare: (sql: string) => statement(real.prepare(sql)),
    batch: (statements: readonly D1PreparedStatement[]) =>
      slowly(() => real.batch(statements.map((each) => Reflect.get(each, REAL) as D1PreparedStatement))),
  };
  return {
    db: db as unknown as D1Database,
    take() {
      const taken = rounds;
      rounds = 0;
      return taken;
    },
  };
}
