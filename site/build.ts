/**
 * `npm run docs`: renders the documents to static pages in `site/dist` and checks them. A link that leads nowhere, a document that is not
 * in the navigation and a page that its own policy would stop fail the build. `npm run docs -- --serve [port]` goes on serving, and
 * renders again when a document is saved.
 */
import { mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import Eleventy from "@11ty/eleventy";
import { DOCS, OUTPUT, ROOT } from "./place.ts";
import { lastFaults } from "./render.ts";

process.chdir(ROOT);
const output = resolve(ROOT, OUTPUT);
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const eleventy = new Eleventy(DOCS, OUTPUT, { quietMode: true, configPath: "site/eleventy.config.ts" });
await eleventy.init();
const at = process.argv.indexOf("--serve");
if (at < 0) {
  await eleventy.write();
  if (lastFaults().length > 0) process.exitCode = 1;
} else {
  await eleventy.watch();
  await eleventy.serve(Number(process.argv[at + 1] ?? 8080));
}
