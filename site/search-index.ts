import MiniSearch from "minisearch";
import { SEARCH_OPTIONS } from "./static/search-options.js";

/** A section of a page: its address below the output, and its words. */
type Section = { readonly id: string; readonly title: string; readonly page: string; readonly text: string };

/** The index of all pages as JSON, by their path below the output: one entry for each section. */
export function indexOf(pages: ReadonlyMap<string, string>): string {
  const index = new MiniSearch<Section>(SEARCH_OPTIONS);
  for (const [page, content] of pages) {
    if (page !== "search.html") index.addAll(sectionsOf(page, content));
  }
  return JSON.stringify(index);
}

function sectionsOf(page: string, content: string): readonly Section[] {
  const [, ...parts] = content.split(/(?=<h[1-3] id=")/);
  const title = wordsOf(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(content)?.[1] ?? page);
  return parts.map((part) => {
    const [, level = "1", id = "", heading = ""] =
      /<h([1-3]) id="([^"]*)">([\s\S]*?)<\/h\1>/.exec(part) ?? [];
    const text = wordsOf(part.slice(part.indexOf(`</h${level}>`)));
    return { id: level === "1" ? page : `${page}#${id}`, page: title, title: wordsOf(heading), text };
  });
}

const NAMES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', amp: "&" };

/** The text of some HTML, in one line. */
const wordsOf = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/&(lt|gt|quot|amp);/g, (_, name: string) => NAMES[name] ?? "")
    .replaceAll(/\s+/g, " ")
    .trim();
