import { existsSync, readFileSync } from "node:fs";
import { posix, resolve } from "node:path";

/** The repository, the documents in it, and where the pages go. */
export const ROOT = resolve(import.meta.dirname, "..");
export const DOCS = "docs";
export const OUTPUT = "site/dist";

/** Documents outside `docs`, and the name of their page. */
export const OUTSIDE: Readonly<Record<string, string>> = {
  "CHANGELOG.md": "changelog.html",
  "CONTRIBUTING.md": "contributing.html",
  "SECURITY.md": "reporting.html",
  "packages/countersign/README.md": "client-library.html",
};

/** Reads a file of the repository. */
export const read = (path: string): string => readFileSync(resolve(ROOT, path), "utf8");

/** Whether the repository has this file or folder. */
export const isThere = (path: string): boolean => existsSync(resolve(ROOT, path));

/**
 * The page of a document, as a path below the output; undefined for a file that is none. The README of a folder is its index, and the
 * README of the repository has the same readers as that of `docs`.
 */
export function pageOf(source: string): string | undefined {
  if (source === "README.md") return "index.html";
  const outside = OUTSIDE[source];
  if (outside !== undefined) return outside;
  if (!source.startsWith(`${DOCS}/`) || !source.endsWith(".md")) return undefined;
  return source
    .slice(DOCS.length + 1)
    .replace(/(?:README)?\.md$/, (end) => (end === ".md" ? ".html" : "index.html"));
}

/** How `to` is written in a link of the page `from`; both are paths below the output. */
export function between(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to) || posix.basename(to);
}

/**
 * The repository's address for people, `https://host/owner/name`: from `SITE_REPOSITORY`, or `repository` in package.json.
 * Undefined when neither is there: files that are no pages are named without a link then.
 */
export function repository(): string | undefined {
  const { repository: known } = JSON.parse(read("package.json")) as { repository?: string | { url: string } };
  const address = process.env.SITE_REPOSITORY ?? (typeof known === "string" ? known : known?.url);
  if (!address) return undefined;
  const bare = address.replace(/^git\+/, "").replace(/(?:\.git)?\/?$/, "");
  if (!/^https:\/\/[^/\s"<>]+\/[^\s"<>]+$/.test(bare)) {
    throw new Error(`The repository's address is not https://host/owner/name: ${address}`);
  }
  return bare;
}
