import { env } from "cloudflare:workers";

export type Call = { readonly sql: string; readonly params: readonly unknown[] };

/** The real database, writing down each statement that is bound, each batch's meta, and that no session was asked for. */
export function recordingDatabase() {
  const calls: Call[] = [];
  const batches: D1Meta[][] = [];
  const d1 = {
    prepare(sql: string) {
      const statement = env.DB.prepare(sql);
      const bind = statement.bind.bind(statement);
      statement.bind = (...params: unknown[]) => {
        calls.push({ sql, params });
        return bind(...params);
      };
      return statement;
    },
    async batch(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch(statements);
      batches.push(results.map(({ meta }) => meta));
      return results;
    },
    withSession() {
      throw new Error("a session may read from a replica");
    },
  };
  return { d1: d1 as unknown as D1Database, calls, batches };
}

/** The real database, but every batch has one more statement, which fails. */
export function breakingDatabase(): D1Database {
  const d1 = {
    prepare: (sql: string) => env.DB.prepare(sql),
    batch: (statements: D1PreparedStatement[]) =>
      env.DB.batch([...statements, env.DB.prepare("insert into audit_events (id) values (null)")]),
  };
  return d1 as unknown as D1Database;
}

/** A database that answers every statement with this error, counting how often it was asked. */
export function failingDatabase(error: Error) {
  const asked = { count: 0 };
  const fail = () => {
    asked.count += 1;
    return Promise.reject(error);
  };
  const statement = { bind: () => statement, run: fail, all: fail, raw: fail, first: fail };
  return { d1: { prepare: () => statement, batch: fail } as unknown as D1Database, asked };
}
