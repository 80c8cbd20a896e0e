import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { bill, costPage, marginal } from "../../../scripts/cost-page.ts";

test("docs/cost.md says what the counts say: npm run cost writes it anew", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../../docs/cost.md"), "utf8");
  expect(page).toBe(costPage());
});

test("a million costs its units times their prices, and the plan's share is free", () => {
  const one = { requests: 2, objects: 3, d1Calls: 9, d1RowsWritten: 4, objectRows: 5, queue: 1 };
  // 2 × 0.30, 4 ms × 0.02, 3 × 0.15, 3 × 15 ms × 0.128 GB × 12.50, 9 rows × 1.00, 3 operations × 0.40
  expect(marginal(one)).toBeCloseTo(0.6 + 0.08 + 0.45 + 0.072 + 9 + 1.2, 6);
  // Beyond: 2 million object requests, 2 million queue operations.
  expect(bill(one, 1)).toBeCloseTo(5 + 2 * 0.15 + 2 * 0.4, 6);
});
