import { globSync } from "node:fs";
import { caseMatrix } from "../scripts/case-names.ts";
import { DOCS, pageOf, ROOT, read } from "./place.ts";

/** A page that no file holds: the document that it would be, as Markdown. */
export type Made = { readonly source: string; readonly text: string };

/** The title of a document: its first heading. */
export const titleOf = (source: string, text: string): string => {
  const title = /^# (.+)$/m.exec(text)?.[1];
  if (title === undefined) throw new Error(`${source} has no title`);
  return title.replaceAll("`", "");
};

/** All documents of `docs`, by their path in the repository. */
export const documents = (): readonly string[] =>
  globSync(`${DOCS}/**/*.md`, { cwd: ROOT })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();

/** For each folder of documents a list of them, unless it has a README. */
export function lists(): readonly Made[] {
  const folders = Map.groupBy(documents(), (path) => path.slice(0, path.lastIndexOf("/")));
  return [...folders]
    .filter(([folder, paths]) => folder !== DOCS && !paths.includes(`${folder}/README.md`))
    .map(([folder, paths]) => {
      const name = folder.slice(DOCS.length + 1);
      const lines = paths.map((path) => `- [${titleOf(path, read(path))}](${path.slice(folder.length + 1)})`);
      const title = TITLES[name] ?? name;
      return { source: `${folder}/README.md`, text: `# ${title}\n\n${lines.join("\n")}\n` };
    });
}

const TITLES: Readonly<Record<string, string>> = {
  decisions: "Decisions",
  guides: "Guides",
  sdks: "Apps that were built for another service",
  wire: "What the vendors' SDKs send",
};

/** The threats of docs/security-cases.md with the files that test each. Throws for one that no test is named by. */
export function matrix(): Made {
  const files = globSync("test/**/*.test.{ts,tsx}", { cwd: ROOT })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => ({ path, text: read(path) }));
  const tested = caseMatrix(files);
  const text = read(`${DOCS}/security-cases.md`)
    .replace(/^# .*[\s\S]*?(?=^## )/m, INTRODUCTION)
    .replace(/^\| case \| what must hold \|$/gm, "| case | what must hold | tested in |")
    .replace(/^\|---\|---\|$/gm, "|---|---|---|")
    .replaceAll(/^\| (T\d+) \|(.*)\|$/gm, (_, id: string, words: string) => {
      const paths = tested.get(id);
      if (!paths) throw new Error(`No test is named by ${id}`);
      const links = paths.map(
        (path) => `[${path.replace(/^test\//, "").replace(/\.test\.tsx?$/, "")}](../${path})`,
      );
      return `| ${id} |${words}| ${links.join(", ")} |`;
    });
  return { source: `${DOCS}/security-matrix.md`, text };
}

const INTRODUCTION = `# Threats and their tests

Each line is one thing that must hold under attack, in a race or in a fault, with the test files that hold it. The build of these pages reads the names of the tests, as \`npm run matrix\` does; a case without a test fails it. Where the numbers come from: [security cases](security-cases.md).

`;

/** Where somebody searches. The words are looked up in the browser. */
export const SEARCH: Made = {
  source: `${DOCS}/search.md`,
  text: `# Search

<p id="found" role="status">Type some words into the field above.</p>
<noscript><p>The search needs script. Without it, the menu and the browser's own search in a page remain.</p></noscript>
<ol id="results"></ol>
`,
};

/** The path of each page with its title. */
export function titlesOf(sources: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...sources].map(([source, text]) => [pageOf(source) ?? source, titleOf(source, text)]));
}
