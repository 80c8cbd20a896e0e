import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import { beforeEach, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../../src/store/database.ts";
import { kept, type Places, type Values } from "../../../src/store/kept.ts";
import { rowPlaces, rowValues } from "../../../src/store/rows.ts";
import { auditEvents } from "../../../src/store/schema.ts";

type Event = typeof auditEvents.$inferInsert;

const event = (id: string, more: Partial<Event> = {}): Event => ({
  id,
  at: 1,
  type: "test",
  actor: "test",
  ...more,
});

const insert = kept((db, at: Places<Values>) =>
  db
    .insert(auditEvents)
    .values(rowPlaces(auditEvents, at, "row."))
    .onConflictDoNothing(),
);
const put = (db: Store, row: Event) => insert(db, rowValues(auditEvents, row, "row."));

const byId = kept((db, at: Places<{ id: string }>) =>
  db
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.id, at("id"))),
);

describe("a statement that is put together once", () => {
  let db: Store;

  beforeEach(() => {
    db = openStore(env.DB);
  });

  test("writes JSON as JSON, and nothing as null", async () => {
    await put(db, event("kept-1", { data: { a: [1, "two"] } }));
    await put(db, event("kept-2", { reason: undefined, data: null }));
    const raw = await env.DB.prepare(
      "select id, reason, data from audit_events where id like 'kept-%' order by id",
    ).all();
    expect(raw.results).toEqual([
      { id: "kept-1", reason: null, data: '{"a":[1,"two"]}' },
      { id: "kept-2", reason: null, data: null },
    ]);
    expect((await byId(db, { id: "kept-1" }))[0]?.data).toEqual({ a: [1, "two"] });
  });

  test("keeps the values of two uses apart, also of two in one batch", async () => {
    await db.batch([put(db, event("kept-a")), put(db, event("kept-b", { reason: "second" }))]);
    const first = byId(db, { id: "kept-a" });
    const second = byId(db, { id: "kept-b" });
    const [[b], [a]] = await Promise.all([second, first]);
    expect([a?.id, a?.reason, b?.id, b?.reason]).toEqual(["kept-a", null, "kept-b", "second"]);
    const both = await db.batch([byId(db, { id: "kept-b" }), byId(db, { id: "kept-a" })]);
    expect(both.map((rows) => rows[0]?.id)).toEqual(["kept-b", "kept-a"]);
  });

  test("is put together once for each database and shape", async () => {
    const built: (string | number)[] = [];
    const numbers = kept((on: Store, at: Places<Values>, count: number) => {
      built.push(count);
      const places = Array.from({ length: count }, (_, index) => sql`${at(`n${index}`)}`);
      return on.select({ sum: sql<number>`${sql.join(places, sql` + `)}`.as("sum") }).from(sql`(select 1)`);
    });
    const sums = [
      await numbers(db, { n0: 1 }, 1),
      await numbers(db, { n0: 2, n1: 3 }, 2),
      await numbers(db, { n0: 4 }, 1),
      await numbers(openStore(env.DB), { n0: 5 }, 1),
    ];
    expect(sums.map(([row]) => row?.sum)).toEqual([1, 5, 4, 5]);
    expect(built).toEqual([1, 2, 1]);
  });

  test("says which value is missing", () => {
    expect(() => insert(db, { "row.id": "kept-3" })).toThrow("no value for row.at");
  });

  test("fails like any statement", async () => {
    const broken = kept((on: Store, at: Places<{ secret: string }>) =>
      on.select({ one: sql`${at("secret")} from nowhere` }).from(sql`(select 1)`),
    );
    const failed = await broken(db, { secret: "a secret" }).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failed?.cause).toBeInstanceOf(Error);
  });
});
