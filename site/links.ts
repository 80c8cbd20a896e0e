import { posix } from "node:path";
import { between, DOCS, isThere, pageOf, repository } from "./place.ts";

/** Where a link leads on the site, `elsewhere` when the repository's address is not known, or what is wrong with it. */
export type Target = { readonly href: string } | { readonly elsewhere: string } | { readonly fault: string };

/**
 * Turns a link of a document into one of its page: documents lead to their pages, folders of documents to their lists, every other file
 * to the repository.
 */
export function targetOf(source: string, href: string): Target {
  if (/^(?:https?:|mailto:)/.test(href)) return { href };
  if (/^[a-z][a-z0-9+.-]*:/i.test(href))
    return { fault: `${source}: ${href} is of a scheme that no link has` };
  const [to = "", anchor] = href.split("#");
  const behind = anchor === undefined ? "" : `#${anchor}`;
  if (to === "") return { href: behind };
  const path = posix.join(posix.dirname(source), decodeURI(to)).replace(/\/$/, "");
  if (!isThere(path)) return { fault: `${source}: ${href} leads to no file` };
  const from = pageOf(source) ?? posix.basename(source);
  const page = pageOf(path) ?? listOf(path);
  if (page !== undefined) return { href: `${between(from, page)}${behind}` };
  if (path.startsWith(`${DOCS}/images/`)) return { href: between(from, path.slice(DOCS.length + 1)) };
  const home = repository();
  return home === undefined ? { elsewhere: path } : { href: `${home}/blob/HEAD/${path}${behind}` };
}

/** The list of a folder of documents, such as `docs/decisions`. */
const listOf = (path: string): string | undefined =>
  path === DOCS || path.startsWith(`${DOCS}/`)
    ? /\.[a-z]+$/.test(path)
      ? undefined
      : posix.join(path.slice(DOCS.length + 1), "index.html")
    : undefined;
