import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");
const page = read("docs/conformance.md");

/** Where a file lies that the page names without a folder. */
const HOME = "test/worker/doors/oauth/";

type Named = { readonly path: string; readonly title: string };

/** Every test that a text of the page names: `file.test.ts` "title". */
const namedIn = (text: string): readonly Named[] =>
  [...text.matchAll(/`([\w./-]+\.test\.tsx?)` "([^"]+)"/g)].map(([, file = "", title = ""]) => ({
    path: file.includes("/") ? file : `${HOME}${file}`,
    title,
  }));

const TEXT_OR_COMMENT =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** What a test file calls its tests, groups and rows of tables: texts behind a bracket. */
function titlesIn(code: string): readonly string[] {
  return [...code.matchAll(TEXT_OR_COMMENT)].flatMap((match) => {
    const text = match[1];
    const before = code.slice(0, match.index).trimEnd().at(-1) ?? "";
    return text !== undefined && "([,".includes(before) ? [text.slice(1, -1).replaceAll(/\\(.)/g, "$1")] : [];
  });
}

/** Tests that the page names and that are not there. */
const missing = (named: readonly Named[]): readonly Named[] => {
  const titles = new Map<string, readonly string[]>();
  return named.filter(({ path, title }) => {
    if (!existsSync(resolve(root, path))) return true;
    const known = titles.get(path) ?? titlesIn(read(path));
    titles.set(path, known);
    return !known.some((one) => one.includes(title));
  });
};

/** Rows of every table, without its head. */
const tables = page
  .split(/^\|---.*\n/m)
  .slice(1)
  .map((after) =>
    after.split("\n").slice(
      0,
      after.split("\n").findIndex((line) => !line.startsWith("|")),
    ),
  );

const MODULE = /`((?:oidcc|fapi-ciba-id1)[\w-]*)`/g;

describe("docs/conformance.md", () => {
  test("each test that it names is there", () => {
    const named = namedIn(page);
    expect(named.length).toBeGreaterThan(150);
    expect(missing(named)).toEqual([]);
  });

  test("each file of tests that it names is named with a test", () => {
    const files = [...page.matchAll(/`([\w./-]+\.test\.tsx?)`(?! ")/g)].map(([, file]) => file);
    expect(files).toEqual(["test/unit/documents/conformance.test.ts"]);
  });

  test("no table is empty, and no row is without a test or a sentence", () => {
    expect(tables.length).toBeGreaterThan(15);
    for (const rows of tables) {
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) {
        const cells = row.split("|").map((cell) => cell.trim());
        const isSaid = namedIn(row).length > 0 || /^.{10,}\.$/.test(cells.at(-2) ?? "");
        expect([row, isSaid]).toEqual([row, true]);
      }
    }
  });

  test("each module of the suite stands there once", () => {
    const modules = tables
      .flat()
      .filter((row) => row.startsWith("| `"))
      .flatMap((row) => [...(row.split(" | ")[0] ?? "").matchAll(MODULE)].map(([, name]) => name));
    expect(modules.length).toBeGreaterThan(100);
    expect(modules).toEqual([...new Set(modules)]);
  });

  test.each([
    ["a test that is not there", '`code.test.ts` "a code that is good twice"'],
    ["a file that is not there", '`none.test.ts` "a test"'],
    ["what is no title", '`code.test.ts` "pageDeployment()"'],
  ])("%s is found out", (_, text) => {
    expect(missing(namedIn(text))).toHaveLength(1);
  });
});
