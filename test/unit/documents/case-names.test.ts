import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { caseMatrix, casesNamedIn } from "../../../scripts/case-names.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");

/** The security cases that a sign-in by device stands on; docs/security-cases.md says what each is. */
const DEMANDED = (
  "T01 T02 T05 T06 T07 T08 T20 T24 T25 T26 T27 T28 T45 T47 T48 T49 T50 T51 T52 T53 T54 T55 " +
  "T60 T61 T62 T63 T64 T65 T67 T68 T69 T70 T71 T84 T85 T86 T88 T89 " +
  "T100 T101 T102 T103 T104 T106 T107 T108"
).split(" ");

type Sources = Parameters<typeof caseMatrix>[0];
const missingIn = (files: Sources): readonly string[] => {
  const matrix = caseMatrix(files);
  return DEMANDED.filter((id) => !matrix.has(id));
};

describe("the security cases", () => {
  const files = globSync("test/**/*.test.{ts,tsx}", { cwd: root }).map((path) => ({
    path,
    text: read(path),
  }));

  test("each demanded case is the beginning of a test's name", () => {
    expect(files.length).toBeGreaterThan(20);
    expect(missingIn(files)).toEqual([]);
  });

  test.each(DEMANDED)("a suite without %s would be found out", (id) => {
    const without = files.map(({ path, text }) => ({ path, text: text.replaceAll(`${id} `, "none ") }));
    expect(missingIn(without)).toEqual([id]);
  });

  test("docs/security-cases.md says what each demanded case is", () => {
    expect(rowsOf("docs/security-cases.md")).toEqual(expect.arrayContaining(DEMANDED));
  });
});

/** The ids in the first column of a page's tables. */
function rowsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^\| ([ST]\d+[a-z]?) \|/gm)].map(([, id = ""]) => id);
}

describe("docs/security.md and docs/security-cases.md", () => {
  const promised = [...rowsOf("docs/security.md"), ...rowsOf("docs/security-cases.md")];
  const files = globSync("test/**/*.test.{ts,tsx}", { cwd: root }).map((path) => ({
    path,
    text: read(path),
  }));
  const named = [...caseMatrix(files).keys()];

  test("each row and case is the beginning of a test's name, and stands there once", () => {
    expect(promised.length).toBeGreaterThan(150);
    expect(promised.filter((id) => !named.includes(id))).toEqual([]);
    expect(promised).toEqual([...new Set(promised)]);
  });

  test("they have every row of the attack, and every case that a test is named by", () => {
    const rows = Array.from({ length: 14 }, (_, index) => `S${index + 1}`);
    expect(promised).toEqual(expect.arrayContaining([...rows, ...named.filter((id) => /^[ST]/.test(id))]));
  });
});

test("docs/faults.md: each of its rows is the beginning of a test's name", () => {
  const files = globSync("test/**/*.test.{ts,tsx}", { cwd: root }).map((path) => ({
    path,
    text: read(path),
  }));
  const named = [...caseMatrix(files).keys()];
  const rows = [...read("docs/faults.md").matchAll(/^\| ([CALOG]\d+) \|/gm)].map(([, id]) => id);
  expect(rows.length).toBeGreaterThan(65);
  expect(rows.filter((id) => !named.includes(String(id)))).toEqual([]);
});

describe("reading names", () => {
  test.each([
    ['test("T45 race: one winner", () => {});', ["T45"]],
    ["it('T45 race', () => {});", ["T45"]],
    ['test("S4 a removal", () => {});', ["S4"]],
    ['test("C7 L2 a fault", () => {});', ["C7", "L2"]],
    ['test("S1 T111 a word", () => {});', ["S1", "T111"]],
    [
      // Put together here, so that this list itself names no fault of a row.
      'test("Row.b T60 a", f);\ntest("S12 b", f);\ntest("Row. c", f);\ntest("Row.a d", f);'.replaceAll(
        "Row.",
        "S7",
      ),
      ["S7", "S7a", "S7b", "S12", "T60"],
    ],
    ['describe("T45 races", () => {});', ["T45"]],
    ['test.each([1, 2])("T52 %i ms late", () => {});', ["T52"]],
    ['test.each(["http://a.example"])(\n  "T97 %s",\n  () => {},\n);', ["T97"]],
    ['test("T101 b", f);\ntest("T45 a", f);\ntest("T101 c", f);', ["T45", "T101"]],
  ])("counts %s", (text, ids) => {
    expect(casesNamedIn(text)).toEqual(ids);
  });

  test.each([
    '// test("T45 race", () => {});',
    '/* test("T45 race", () => {}); */',
    'test("a race (T45)", () => {});',
    'test.skip("T45 race", () => {});',
    'test.todo("T45 race");',
    'expect("T45 race").toBe("");',
    'const row = ["T45 race", 1];',
    'test("T4 race", () => {});',
    'const at = "2026-10-02T03:04:05Z";',
  ])("does not count %s", (text) => {
    expect(casesNamedIn(text)).toEqual([]);
  });
});
