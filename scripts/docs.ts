/**
 * `npm run docs`: renders the documents to `site/dist`; `-- --serve [port]` serves them as well. The generator is a package of its own,
 * so that whoever runs the Worker does not install it.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const site = resolve(import.meta.dirname, "../site");
if (existsSync(resolve(site, "node_modules/@11ty/eleventy/package.json"))) {
  await import(pathToFileURL(resolve(site, "build.ts")).href);
} else {
  console.error("The generator of the documents is not installed yet. Run: npm ci --prefix site");
  process.exitCode = 1;
}
