/**
 * `summary.ts <folder of vitest JSON reports> [failed step…]`: adds the reports up and ends with "N passed, N failed".
 * A test file that could not be loaded, a suite without a test, and a step that failed for another reason count as one
 * failure each.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

type Report = {
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly status: string;
    readonly assertionResults: ReadonlyArray<{ readonly status: string }>;
  }>;
};
type Suite = { passed: number; failed: number; skipped: number };

const SUITES = ["unit", "property", "contract", "worker", "wire", "e2e", "examples"];
/** Steps whose failure the reports already show, as a failed test. */
const REPORTED_STEPS = ["test", "e2e", "examples"];

const root = resolve(import.meta.dirname, "..");
const [folder = ".", ...failedSteps] = process.argv.slice(2);
const suites = new Map<string, Suite>(SUITES.map((name) => [name, { passed: 0, failed: 0, skipped: 0 }]));

function add(report: Report): void {
  for (const { name, status, assertionResults } of report.testResults) {
    const suite = suites.get(relative(root, name).split("/")[1] ?? "");
    if (suite === undefined) throw new Error(`${name} belongs to no suite`);
    const before = suite.failed;
    for (const assertion of assertionResults) {
      if (assertion.status === "passed") suite.passed += 1;
      else if (assertion.status === "failed") suite.failed += 1;
      else suite.skipped += 1;
    }
    if (status === "failed" && suite.failed === before) suite.failed += 1;
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
