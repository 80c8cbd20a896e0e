import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { REFUSALS } from "../../../packages/countersign/src/verify/refusal.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../docs/verify.md"), "utf8");

/** The names in the given column of the table with this head. */
function names(head: string, column = 1): readonly string[] {
  const table = page.slice(page.indexOf(head)).split("\n\n")[0] ?? "";
  const cells = table
    .split("\n")
    .slice(2)
    .map((line) => line.split("|")[column] ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}

test("docs/verify.md lists every reason, and no other", () => {
  expect(names("| `reason` | means |").toSorted()).toEqual(Object.keys(REFUSALS).toSorted());
});

test("docs/verify.md lists every error that a caller is told, with its status", () => {
  const told = Object.values(REFUSALS).map(({ status, error }) => `${status} ${error}`);
  const table = page.slice(page.indexOf("| status | `error` | when |")).split("\n\n")[0] ?? "";
  const rows = [...table.matchAll(/^\| (\d+) \| `(\w+)`/gm)].map(([, status, error]) => `${status} ${error}`);
  expect(rows.toSorted()).toEqual([...new Set([...told, "503 temporarily_unavailable"])].toSorted());
});

test("what a caller is told can stand in a header (RFC 6750 §3)", () => {
  for (const { words, error } of Object.values(REFUSALS)) {
    expect(`${words}${error}`).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  }
});
