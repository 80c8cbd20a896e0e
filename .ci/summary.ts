/**
 * `summary.ts <folder of vitest JSON reports> [failed step…]`: adds the reports up and ends with "N passed, N failed".
 * A test file that could not be loaded, a suite without a test, and a step that failed for another reason count as one
 * failure each. What failed is named here once more, with the beginning of its message: a long log is often cut.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";

type Report = {
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: ReadonlyArray<{
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | null;
    }>;
  }>;
};
type Suite = { passed: number; failed: number; skipped: number };

const SUITES = ["unit", "property", "contract", "worker", "wire", "e2e", "examples"];
/** Steps whose failure the reports already show, as a failed test. */
const REPORTED_STEPS = ["test", "e2e", "examples"];

/** Of each failure. */
const LINES = 12;
const LETTERS = 1_500;

const root = resolve(import.meta.dirname, "..");
const [folder = ".", ...failedSteps] = process.argv.slice(2);
const suites = new Map<string, Suite>(SUITES.map((name) => [name, { passed: 0, failed: 0, skipped: 0 }]));

/** The beginning of a message, without its colours. */
const beginning = (message = ""): string =>
  stripVTControlCharacters(message).split("\n").slice(0, LINES).join("\n").slice(0, LETTERS);

const tell = (what: string, message?: string): void => console.log(`FAILED ${what}\n${beginning(message)}\n`);

function add(report: Report): void {
  for (const { name, status, message, assertionResults } of report.testResults) {
    const file = relative(root, name);
    const suite = suites.get(file.split("/")[1] ?? "");
    if (suite === undefined) throw new Error(`${name} belongs to no suite`);
    const before = suite.failed;
    for (const assertion of assertionResults) {
      if (assertion.status === "passed") suite.passed += 1;
      else if (assertion.status === "failed") {
        suite.failed += 1;
        tell(`${file} > ${assertion.fullName}`, assertion.failureMessages?.[0]);
      } else suite.skipped += 1;
    }
    if (status === "failed" && suite.failed === before) {
      suite.failed += 1;
      tell(file, message);
    }
  }
}

for (const file of readdirSync(folder)) {
  try {
    add(JSON.parse(readFileSync(join(folder, file), "utf8")) as Report);
  } catch (error) {
    console.error(error);
    failedSteps.push(`reading ${file}`);
  }
}

let passed = 0;
let failed = 0;
for (const [name, suite] of suites) {
  const isEmpty = suite.passed + suite.failed === 0;
  console.log(
    `${name}: ${suite.passed} passed, ${suite.failed} failed, ${suite.skipped} skipped${isEmpty ? " - NO TEST WAS RUN" : ""}`,
  );
  passed += suite.passed;
  failed += suite.failed + (isEmpty ? 1 : 0);
}
const seen = failed > 0;
for (const step of failedSteps) {
  console.log(`step failed: ${step}`);
  if (!seen || !REPORTED_STEPS.includes(step)) failed += 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
