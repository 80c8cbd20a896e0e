import { DECISIONS, type Group, NAVIGATION } from "./navigation.ts";
import { between, pageOf, repository } from "./place.ts";

/** A page as it is shown: its path below the output, its title, the document that it is made of, and the HTML of that. */
export type Shown = {
  readonly page: string;
  readonly title: string;
  readonly source: string | undefined;
  readonly content: string;
};

/** What a browser may load for a page: its own files, and nothing inline. `_headers` says the same with `frame-ancestors`. */
export const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'";

/** HTML text of a plain one. */
export const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** A whole page around its content. `titles` names the pages of the navigation by their path. */
export function pageHtml(shown: Shown, titles: ReadonlyMap<string, string>): string {
  const { page, title } = shown;
  const to = (path: string) => between(page, path);
  const tab = page === "index.html" ? "Countersign" : `${title} - Countersign`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<title>${escapeText(tab)}</title>
<link rel="icon" href="${to("favicon.svg")}">
<link rel="stylesheet" href="${to("site.css")}">
<link rel="stylesheet" href="${to("text.css")}">
${page === "search.html" ? `<script type="module" src="${to("search.js")}"></script>\n` : ""}</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<a class="brand" href="${to("index.html")}"><img src="${to("favicon.svg")}" alt="" width="24" height="24">Countersign</a>
<form role="search" action="${to("search.html")}"><label for="q">Search</label><input id="q" name="q" type="search" autocomplete="off" placeholder="Search"></form>
<button type="button" class="menu" popovertarget="pages">Menu</button>
</header>
<div class="columns">
${navigation(page, titles)}
<main id="content" tabindex="-1">
${withContents(shown.content)}
${foot(shown, titles)}
</main>
</div>
</body>
</html>
`;
}

function navigation(page: string, titles: ReadonlyMap<string, string>): string {
  const link = (path: string, text: string): string => {
    const here = path === page || (path === DECISIONS && page.startsWith("decisions/"));
    return `<li><a href="${between(page, path)}"${here ? ' aria-current="page"' : ""}>${escapeText(text)}</a></li>`;
  };
  const group = ({ title, sources }: Group): string => {
    const links = sources.map((source) => {
      const path = pageOf(source) ?? "";
      return link(path, titles.get(path) ?? source);
    });
    return `<h2>${title}</h2>\n<ul>${links.join("")}</ul>`;
  };
  const decisions = `<h2>Decisions</h2>\n<ul>${link(DECISIONS, "All decisions")}</ul>`;
  const close = `<button type="button" class="menu" popovertarget="pages" popovertargetaction="hide">Close</button>`;
  return `<nav id="pages" popover aria-label="Pages">\n${close}\n${NAVIGATION.map(group).join("\n")}\n${decisions}\n</nav>`;
}

/** A list of the page's sections behind its title, where there are enough of them to get lost in. */
function withContents(content: string): string {
  const headings = [...content.matchAll(/<h2 id="([^"]*)">([\s\S]*?)<\/h2>/g)];
  if (headings.length < 4) return content;
  const links = headings.map(
    ([, id, text = ""]) => `<li><a href="#${id}">${text.replaceAll(/<\/?a\b[^>]*>/g, "")}</a></li>`,
  );
  const contents = `<details class="contents"><summary>On this page</summary><ul>${links.join("")}</ul></details>`;
  return content.replace("</h1>", () => `</h1>\n${contents}`);
}

function foot({ page, source }: Shown, titles: ReadonlyMap<string, string>): string {
  const order = NAVIGATION.flatMap(({ sources }) => sources.map((one) => pageOf(one) ?? ""));
  const at = order.indexOf(page);
  const next = page === "index.html" ? order[0] : at < 0 ? undefined : order[at + 1];
  const home = repository();
  const parts = [
    next && `<a href="${between(page, next)}" rel="next">Next: ${escapeText(titles.get(next) ?? next)}</a>`,
    home && source && `<a href="${home}/blob/HEAD/${source}">The source of this page</a>`,
  ].filter(Boolean);
  return parts.length > 0 ? `<footer>${parts.join(" ")}</footer>` : "";
}
