import { expect, test } from "vitest";
import type { AuditEvent } from "../../../../src/core/audit/event.ts";
import { FOLDED_ROWS, makeAuditFold } from "../../../../src/core/audit/fold.ts";
import { MINUTE } from "../../../../src/core/time.ts";

const START = 1_795_708_020_000;
const at = (id: string, type = "code_refused", instant = START): AuditEvent => ({
  id,
  at: instant,
  type,
  actor: "anonymous",
});
const make = () => {
  let draw = 0;
  return makeAuditFold({ text: () => String(++draw).padStart(20, "0") });
};

test("S12 a row is written once in a minute, and again in the next", () => {
  const fold = make();
  expect(fold.take(at("a"))).toEqual([at("a")]);
  expect(fold.take(at("a"))).toEqual([]);
  expect(fold.take(at("b"))).toEqual([at("b")]);
  expect(fold.take(at("a", "other"))).toHaveLength(1);
  expect(fold.take(at("a", "code_refused", START + MINUTE))).toHaveLength(1);
  // A late one of the minute before begins nothing anew.
  expect(fold.take(at("a"))).toEqual([]);
});

test("S12 past the bound a flood of subjects is a few rows that count it", () => {
  const fold = make();
  const rows = Array.from({ length: 20_000 }, (_, index) => fold.take(at(`row ${index}`))).flat();
  const counts = rows.slice(FOLDED_ROWS);
  expect(rows.slice(0, FOLDED_ROWS).map(({ id }) => id)).toEqual(
    Array.from({ length: FOLDED_ROWS }, (_, index) => `row ${index}`),
  );
  expect(counts.map(({ data }) => data)).toEqual(
    [1, 10, 100, 1_000, 10_000].map((at_least) => ({ at_least })),
  );
  for (const row of counts) {
    expect(row).toMatchObject({ type: "refusals_folded", actor: "system", reason: "code_refused" });
    expect(row.id).toMatch(/^[0-9a-f]{12}[A-Za-z0-9_-]{20}$/);
    expect(Number.parseInt(row.id.slice(0, 12), 16)).toBe(START);
  }
  expect(new Set(counts.map(({ id }) => id)).size).toBe(counts.length);
});

test("one type's flood takes nothing from another", () => {
  const fold = make();
  for (let index = 0; index < 1_000; index++) fold.take(at(`row ${index}`));
  expect(fold.take(at("a", "decision_refused"))).toEqual([at("a", "decision_refused")]);
});

test("what could not be sent is written when it comes again", () => {
  const fold = make();
  fold.take(at("a"));
  fold.forget(at("a"));
  expect(fold.take(at("a"))).toHaveLength(1);
  expect(fold.take(at("a"))).toEqual([]);
});
