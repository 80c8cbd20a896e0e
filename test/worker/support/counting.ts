import { runInDurableObject } from "cloudflare:test";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Services } from "../../../src/core/ports/services.ts";

/** Whether work is done behind an answer: nobody waits for it. */
const behind = new AsyncLocalStorage<boolean>();

/** The services with background work that is not counted as a wait. */
export const withoutBackground = ({ background }: Services): Partial<Services> => ({
  background: (work) => background(() => behind.run(true, work)),
});

/** What one stretch of work cost: counts that do not depend on the machine. */
export type Counts = {
  /** Calls to D1 and objects in a row before the answer: what goes out together is one wait, and what follows the answer none. */
  waits: number;
  /** Round trips to D1: a batch is one. */
  d1Calls: number;
  d1Batches: number;
  d1RowsRead: number;
  d1RowsWritten: number;
  /** Requests to objects, by method. */
  objects: Record<string, number>;
  queue: number;
};

const none = (): Counts => ({
  waits: 0,
  d1Calls: 0,
  d1Batches: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objects: {},
  queue: 0,
});

type Bindings = {
  readonly DB: D1Database;
  readonly CHALLENGES: DurableObjectNamespace;
  readonly INBOXES: DurableObjectNamespace;
  readonly EVENTS: Queue;
};

/** The same bindings, counting; `take` answers what was counted since it was last asked. */
export function counting(bindings: Bindings): { readonly bindings: Bindings; take(): Counts } {
  let counts = none();
  /** A call waits for those that had ended when it began. */
  const waited = async <T>(call: () => T): Promise<Awaited<T>> => {
    const own = counts;
    const row = own.waits + 1;
    try {
      return await call();
    } finally {
      if (!behind.getStore()) own.waits = Math.max(own.waits, row);
    }
  };
  const noteMeta = (results: readonly D1Result[]) => {
    for (const { meta } of results) {
      counts.d1RowsRead += meta.rows_read;
      counts.d1RowsWritten += meta.rows_written;
    }
  };
  const countObject = (name: string) => {
    counts.objects[name] = (counts.objects[name] ?? 0) + 1;
  };
  return {
    bindings: {
      DB: countD1(bindings.DB, {
        waited,
        call: () => counts.d1Calls++,
        batch: () => counts.d1Batches++,
        noteMeta,
      }),
      CHALLENGES: countNamespace(bindings.CHALLENGES, "challenge", countObject, waited),
      INBOXES: countNamespace(bindings.INBOXES, "inbox", countObject, waited),
      EVENTS: override(bindings.EVENTS, {
        send: (...args: Parameters<Queue["send"]>) => {
          counts.queue++;
          return bindings.EVENTS.send(...args);
        },
      }),
    },
    take() {
      const taken = counts;
      counts = none();
      return taken;
    },
  };
}

/** `target` with some methods replaced; the others keep their own `this`. */
function override<T extends object>(target: T, methods: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(target, {
    get(object, name) {
      if (Object.hasOwn(methods, name)) return methods[name as keyof T];
      const value: unknown = Reflect.get(object, name, object);
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

type Waited = <T>(call: () => T) => Promise<Awaited<T>>;
type D1Notes = {
  readonly waited: Waited;
  call(): void;
  batch(): void;
  noteMeta(results: readonly D1Result[]): void;
};
const REAL = Symbol("statement");

function countD1(db: D1Database, notes: D1Notes): D1Database {
  return override(db, {
    prepare: (sql: string) => countStatement(db.prepare(sql), notes),
    batch: async (statements: D1PreparedStatement[]) => {
      notes.call();
      notes.batch();
      const results = await notes.waited(() =>
        db.batch(statements.map((statement) => Reflect.get(statement, REAL) as D1PreparedStatement)),
      );
      notes.noteMeta(results);
      return results;
    },
  });
}

function countStatement(statement: D1PreparedStatement, notes: D1Notes): D1PreparedStatement {
  const counted = async (rows: (result: D1Result<Record<string, unknown>>) => unknown) => {
    notes.call();
    const result = await notes.waited(() => statement.all<Record<string, unknown>>());
    notes.noteMeta([result]);
    return rows(result);
  };
  const methods = {
    [REAL]: statement,
    bind: (...values: unknown[]) => countStatement(statement.bind(...values), notes),
    all: () => counted((result) => result),
    run: () => counted((result) => result),
    first: () => counted((result) => result.results[0] ?? null),
    raw: async () => {
      notes.call();
      return await notes.waited(() => statement.raw());
    },
  };
  return override(statement, methods as Partial<Record<keyof D1PreparedStatement, unknown>>);
}

const NOT_REQUESTS = new Set(["then", "id", "name"]);

function countNamespace(
  namespace: DurableObjectNamespace,
  kind: string,
  count: (name: string) => void,
  waited: Waited,
): DurableObjectNamespace {
  return override(namespace, {
    get: (...args: Parameters<DurableObjectNamespace["get"]>) => {
      const stub = namespace.get(...args);
      return new Proxy(stub, {
        get(object, name) {
          const value: unknown = Reflect.get(object, name, object);
          if (typeof name !== "string" || NOT_REQUESTS.has(name)) return value;
          return (...given: unknown[]) => {
            count(`${kind}.${name}`);
            // A stub takes even `apply` for a method of the object: call it by name.
            return waited(() =>
              (object as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...given),
            );
          };
        },
      });
    },
  });
}

/** Counts what every object of this isolate writes to its storage; each write and each alarm is billed as a row. */
export async function countStorage(
  namespace: DurableObjectNamespace,
): Promise<{ take(): Record<string, number>; stop(): void }> {
  let counts: Record<string, number> = {};
  const undo: (() => void)[] = [];
  const spy = (owner: object, name: string) => {
    const prototype = Object.getPrototypeOf(owner) as Record<string, (...args: unknown[]) => unknown>;
    const real = prototype[name];
    if (!real) throw new Error(`storage has no ${name}`);
    prototype[name] = function (this: unknown, ...args: unknown[]) {
      counts[name] = (counts[name] ?? 0) + 1;
      return real.apply(this, args);
    };
    undo.push(() => {
      prototype[name] = real;
    });
  };
  await runInDurableObject(namespace.get(namespace.newUniqueId()), (_object, state) => {
    spy(state.storage.kv, "put");
    spy(state.storage, "setAlarm");
    spy(state.storage, "deleteAll");
  });
  return {
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
    stop() {
      for (const restore of undo) restore();
    },
  };
}
