import markdownIt from "markdown-it";
import type Token from "markdown-it/lib/token.mjs";
import { makeSlugs } from "./anchors.ts";
import { draw } from "./diagrams.ts";
import { highlight } from "./highlight.ts";
import { targetOf } from "./links.ts";
import { between, pageOf } from "./place.ts";

/** What Eleventy hands on with a document: the path of its file, and of a document outside `docs` that of the repository. */
type Env = { readonly page: { readonly inputPath: string }; readonly source?: string };

const sourceOf = ({ page, source }: Env): string => source ?? page.inputPath.replace(/^\.\//, "");

type Reader = ReturnType<typeof markdownIt>;

/**
 * The reader of documents: GitHub's names for headings, links of the site, highlighted code, drawn diagrams. `report` hears of each link
 * that leads to no file.
 */
export function makeMarkdown(report: (fault: string) => void): Reader {
  const reader = markdownIt({ html: true, linkify: false });
  const { escapeHtml } = reader.utils;
  nameHeadings(reader);
  leadLinks(reader, report);
  reader.renderer.rules.table_open = () =>
    '<div class="table" role="group" aria-label="Table" tabindex="0"><table>';
  reader.renderer.rules.table_close = () => "</table></div>";
  reader.renderer.rules.fence = (tokens, index, _options, env: Env) => {
    const { content, info } = tokens[index] as Token;
    if (info.trim() === "mermaid") return diagram(tokens, index, env, escapeHtml);
    const code = highlight(content, info) ?? escapeHtml(content);
    return `<pre role="group" aria-label="Code" tabindex="0"><code>${code}</code></pre>\n`;
  };
  return reader;
}

/** The picture of a diagram, and its source for whoever cannot see it. */
function diagram(tokens: Token[], index: number, env: Env, plain: (text: string) => string): string {
  const number = tokens.slice(0, index + 1).filter(({ info }) => info.trim() === "mermaid").length;
  const page = pageOf(sourceOf(env)) ?? "index.html";
  const text = tokens[index]?.content ?? "";
  const src = between(page, draw(page, number, text));
  return `<figure><div class="picture" role="group" aria-label="Diagram ${number}" tabindex="0"><img src="${src}" alt="Diagram ${number}, in words below"></div><details><summary>The diagram in words</summary><pre role="group" aria-label="Code" tabindex="0"><code>${plain(text)}</code></pre></details></figure>\n`;
}

function nameHeadings(reader: Reader): void {
  reader.core.ruler.push("name_headings", ({ tokens }) => {
    const slugs = makeSlugs();
    for (const [index, token] of tokens.entries()) {
      if (token.type !== "heading_open") continue;
      const children = tokens[index + 1]?.children ?? [];
      token.attrSet("id", slugs(children.map(({ content }) => content).join("")));
    }
  });
}

/** Links and pictures of documents as those of pages. A link that leads nowhere on the site becomes plain text. */
function leadLinks(reader: Reader, report: (fault: string) => void): void {
  reader.core.ruler.push("lead_links", ({ tokens, env }) => {
    const source = sourceOf(env as Env);
    const leadOn = (href: string | null): string | undefined => {
      const target = targetOf(source, href ?? "");
      if ("fault" in target) report(target.fault);
      return "href" in target ? target.href : undefined;
    };
    for (const { children } of tokens) {
      let isOpen = false;
      for (const token of children ?? []) {
        if (token.type === "image") token.attrSet("src", leadOn(token.attrGet("src")) ?? "");
        if (token.type === "link_close" && isOpen) {
          isOpen = false;
          token.tag = "span";
        }
        if (token.type !== "link_open") continue;
        const href = leadOn(token.attrGet("href"));
        if (href !== undefined) token.attrSet("href", href);
        else {
          isOpen = true;
          token.tag = "span";
          token.attrs = null;
        }
      }
    }
  });
}
