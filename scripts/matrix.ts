/** Prints which test files hold a test of which security case, as a Markdown table: `npm run matrix`. */
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { caseMatrix, type TestFile } from "./case-names.ts";

const root = resolve(import.meta.dirname, "..");

const files: readonly TestFile[] = globSync("test/**/*.test.{ts,tsx}", { cwd: root })
  .sort()
  .map((path) => ({ path, text: readFileSync(resolve(root, path), "utf8") }));

console.log("| case | tested in |\n|---|---|");
for (const [id, paths] of caseMatrix(files)) {
  console.log(`| ${id} | ${paths.map((path) => path.replace(/^test\//, "")).join(", ")} |`);
}
