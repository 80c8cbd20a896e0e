import { cpSync, globSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "@11ty/eleventy";
import { faultsOf } from "./check.ts";
import { POLICY, pageHtml } from "./layout.ts";
import { documents, lists, matrix, SEARCH, titleOf, titlesOf } from "./made.ts";
import { makeMarkdown } from "./markdown.ts";
import { NAVIGATION } from "./navigation.ts";
import { DOCS, isThere, OUTPUT, OUTSIDE, pageOf, ROOT, read, repository } from "./place.ts";
import { indexOf } from "./search-index.ts";

const output = resolve(ROOT, OUTPUT);

/** Documents that no file of `docs` holds, with the path below it that Eleventy knows them by. */
const virtual = [
  ...Object.keys(OUTSIDE).map((source) => ({
    source,
    text: read(source),
    at: `${(OUTSIDE[source] ?? "").slice(0, -5)}.md`,
  })),
  ...[...lists(), matrix(), SEARCH].map(({ source, text }) => ({
    source,
    text,
    at: source.slice(DOCS.length + 1),
  })),
];
const sources = new Map([
  ...documents().map((path) => [path, read(path)] as const),
  ...virtual.map(({ source, text }) => [source, text] as const),
]);

/** Documents that nobody finds, and entries of the navigation that lead nowhere. */
function navigationFaults(): readonly string[] {
  const named = NAVIGATION.flatMap((group) => group.sources);
  const isFound = (path: string) =>
    named.includes(path) ||
    path.startsWith(`${DOCS}/decisions/`) ||
    path === SEARCH.source ||
    path.endsWith("/README.md");
  return [
    ...[...sources.keys()]
      .filter((path) => !isFound(path))
      .map((path) => `${path} is not in site/navigation.ts`),
    ...named.filter((path) => !sources.has(path)).map((path) => `site/navigation.ts: there is no ${path}`),
    ...named
      .filter((path, index) => named.indexOf(path) !== index)
      .map((path) => `site/navigation.ts has ${path} twice`),
  ];
}

const linkFaults = new Set<string>();
/** The HTML of each document without what is around it, as the last build left it. */
const contents = new Map<string, string>();
const pages = new Map<string, string>();

/** Tells Eleventy how documents become pages. */
export function configure(config: Config): void {
  config.setLibrary(
    "md",
    makeMarkdown((fault) => linkFaults.add(fault)),
  );
  config.addGlobalData("permalink", () => ({ page }) => {
    const path = (page as { inputPath: string }).inputPath.replace(/^\.\//, "");
    return pageOf(path);
  });
  for (const { source, text, at } of virtual)
    config.addTemplate(at, text, { source, permalink: pageOf(source) });
  config.addTransform("page", function (content) {
    const page = this.page.outputPath.replace(/^\.\//, "").slice(OUTPUT.length + 1);
    const known = [...sources.keys()].find((source) => pageOf(source) === page);
    const isFile = known !== undefined && isThere(known);
    const title = titles.get(page) ?? titleOf(page, content);
    contents.set(page, content);
    const html = pageHtml({ page, title, source: isFile ? known : undefined, content }, titles);
    pages.set(page, html);
    return html;
  });
  config.on("eleventy.after", finish);
}

const titles = titlesOf(sources);
let faults: readonly string[] = [];

/** What the last build found to be wrong. */
export const lastFaults = (): readonly string[] => faults;

/** What the pages need beside them, and the check of all. */
function finish(): void {
  const own = (path: string, name: string) =>
    cpSync(resolve(ROOT, path), join(output, name), { recursive: true });
  own("site/static", "");
  own("assets/favicon.svg", "favicon.svg");
  own("site/node_modules/minisearch/dist/es/index.js", "minisearch.js");
  if (isThere(`${DOCS}/images`)) own(`${DOCS}/images`, "images");
  writeFileSync(join(output, "search.json"), indexOf(contents));
  writeFileSync(join(output, "_headers"), HEADERS);
  const files = new Set(
    globSync("**", { cwd: output })
      .filter((path) => statSync(join(output, path)).isFile())
      .map((path) => path.replaceAll("\\", "/")),
  );
  faults = [...navigationFaults(), ...linkFaults, ...faultsOf(pages, files)];
  linkFaults.clear();
  for (const fault of faults) console.error(fault);
  const home = repository() ?? "not known (SITE_REPOSITORY is unset): files that are no pages have no links";
  console.log(`${pages.size} pages in ${OUTPUT}, ${faults.length} faults. Repository: ${home}`);
}

/** For hosts that read `_headers`, such as Workers and Pages; the policy stands in each page as well. */
const HEADERS = `/*
  Content-Security-Policy: ${POLICY}; frame-ancestors 'none'
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
`;
