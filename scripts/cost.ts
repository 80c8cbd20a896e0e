/** Writes docs/cost.md. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { costPage } from "./cost-page.ts";

writeFileSync(resolve(import.meta.dirname, "../docs/cost.md"), costPage());
console.log("docs/cost.md is written");
