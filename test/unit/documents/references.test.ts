import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { caseMatrix } from "../../../scripts/case-names.ts";
import { danglingIn, type Library, type Page, referencesIn } from "./references.ts";

const root = resolve(import.meta.dirname, "../../..");

const FOLDERS = "{src,test,scripts,bench,examples,migrations,docs,.ci}/**/*.{ts,tsx,mjs,sql,md}";
const AT_ROOT = ["*.{md,ts,toml,json}", "packages/*/README.md", ".ci/run", ".dev.vars.example", "LICENSE"];
/** What may be referred to, and is not read. */
const THERE = ["docs/images/*", "site/*.ts", "bench/results/*"];
/** Their wrong references are planted. */
const PLANTED = ["references", "code-blocks", "site"].map((name) => `test/unit/documents/${name}.test.ts`);

const pages: readonly Page[] = [FOLDERS, ...AT_ROOT]
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((path) => !path.includes("node_modules") && path !== "package-lock.json")
  .sort()
  .map((path) => ({ path, text: readFileSync(resolve(root, path), "utf8") }));
const read = pages.filter(({ path }) => !PLANTED.includes(path));

const libraryOf = (files: readonly Page[]): Library => ({
  paths: files.map(({ path }) => path),
  documents: new Map(
    files.filter(({ path }) => path.endsWith(".md")).map(({ path, text }) => [path, text] as const),
  ),
});

describe("whatever a comment, a test or a document refers to is there", () => {
  const known = libraryOf(pages);
  const library = {
    ...known,
    paths: [...known.paths, ...THERE.flatMap((pattern) => globSync(pattern, { cwd: root }))],
  };

  test("in every file", () => {
    expect(read.flatMap((page) => danglingIn(library, page))).toEqual([]);
  });

  test.each([
    ["section", 200],
    ["row", 15],
    ["fact", 15],
    ["settled question", 60],
    ["case", 900],
    ["decision", 90],
    ["document", 300],
    ["source", 60],
    ["link", 200],
  ] as const)("there was much to look up: %s", (kind, many) => {
    const seen = read.flatMap(referencesIn).filter((reference) => reference.kind === kind);
    expect(seen.length).toBeGreaterThan(many);
  });

  test("every case, row or fault that a test is named by has its line", () => {
    const lines = ["docs/security-cases.md", "docs/security.md", "docs/faults.md"]
      .map((path) => library.documents.get(path) ?? "")
      .join("\n");
    const named = [...caseMatrix(read.filter(({ path }) => /\.test\.tsx?$/.test(path))).keys()];
    expect(named.length).toBeGreaterThan(200);
    expect(named.filter((id) => !lines.includes(`\n| ${id} |`))).toEqual([]);
  });
});

describe("planted references", () => {
  const files: readonly Page[] = [
    {
      path: "docs/wire/cotter.md",
      text: "# Wire\n## 0. Facts\n### 0.2 Fact 2: a\n### 0.3 Fact 3: b\n## 3. Calls\n### 3.1 P0\n#### Bodies\n| 8 | a |\n### 4.5 a\n### 4.6 b\n### 4.10 c\n## A. Settings\n### A.4 d\n",
    },
    { path: "docs/decisions/0060-settled-questions.md", text: "# 60.\n\n| | a |\n| 4 | a |\n| 5 | a |\n" },
    { path: "docs/decisions/0034-names.md", text: "# 34. Names\n" },
    { path: "docs/security-cases.md", text: "# Cases\n\n| T45 | a |\n## A `b_c`, and more\n" },
    { path: "src/core/x.ts", text: "" },
  ];
  const library = libraryOf(files);
  const found = (text: string, path = "src/core/x.ts") => danglingIn(library, { path, text });

  test.each([
    "(Cotter §4.5)",
    "(Cotter §4.5-4.6)",
    "Cotter §0, §3.1, §4.10 and §A.4",
    "(Cotter §4.5, settled question 5)",
    "Row 8 of Cotter §3.1",
    "(Cotter §3.1 row 8, §4.5)",
    "Cotter fact 2, Cotter facts 2 and 3",
    "settled questions 4-5",
    "(T45)",
    "docs/security-cases.md, docs/wire/cotter.md, docs/decisions/0034, decision 34",
    "RFC 8252 §7.3, and §8.3; WebAuthn §6.5.1.1; The Unicode Standard, §4.6",
    "at a break (Fetch\n * §3.2)",
    "hCXa7nGIOUeCxjAWN48Csj/T99/OkDtYyttWehQC=",
    "2026-10-02T03:04:05Z",
  ])("passes in a comment: %j", (text) => {
    expect(found(`/** ${text} */`)).toEqual([]);
  });

  test.each([
    ["section", "(Cotter §4.7)"],
    ["section", "(Cotter §4.5-4.7)"],
    ["section", "(Cotter §4.5, §9)"],
    ["section", "(Cotter §4.1)"],
    ["section", "(LoginID §4.5)"],
    ["section", "as it is (§4.5)"],
    ["section", "RFC 8252 says so, and more (§4.5)"],
    ["row", "Row 9 of Cotter §3.1"],
    ["row", "Cotter §4.5 row 8"],
    ["fact", "Cotter fact 4"],
    ["fact", "(fact 2)"],
    ["settled question", "settled question 6"],
    ["settled question", "settled questions 4-6"],
    ["case", "(T46)"],
    ["decision", "decision 35"],
    ["decision", "docs/decisions/0035"],
    ["document", "docs/none.md"],
    ["document", "docs/wire/none"],
    ["document", "design/challenge.md"],
    ["outside", "see ../shared/notes"],
    ["outside", "shared/protocols"],
  ])("finds a %s that is not there: %s", (kind, text) => {
    const all = found(`/** ${text} */`);
    expect(all).toHaveLength(1);
    expect(all[0]).toMatch(new RegExp(`^src/core/x\\.ts: ${kind} `));
  });

  test("a bare section and a bare fact are those of the door whose folder they are in", () => {
    expect(found("// (§4.5, fact 2)", "src/doors/cotter/event/y.ts")).toEqual([]);
    expect(found("(§4.5)", "docs/wire/cotter.md")).toEqual([]);
    expect(found("// (§4.7, fact 9)", "src/doors/cotter/event/y.ts")).toHaveLength(2);
    expect(found("// (§4.5)", "src/doors/loginid/y.ts")).toHaveLength(1);
    expect(found("// (§4.5)", "test/wire/cotter/y.test.ts")).toHaveLength(1);
  });

  test("links, headings, and source files that a document names", () => {
    const page = "docs/wire/cotter.md";
    expect(
      found(
        "[a](../security-cases.md#a-b_c-and-more) [b](#45-a) [c](https://a.example/none) `core/x.ts` `src/core`",
        page,
      ),
    ).toEqual([]);
    expect(found("[a](../none.md)", "docs/wire/other.md")).not.toEqual([]);
    expect(found("[a](../security-cases.md#none)", page)).toHaveLength(1);
    expect(found("`core/y.ts` `src/none/`", page)).toHaveLength(2);
  });
});
