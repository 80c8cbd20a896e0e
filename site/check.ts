import { posix } from "node:path";

/** What is wrong with the pages, by their path below the output; empty when nothing is. `files` are all files of the output. */
export function faultsOf(pages: ReadonlyMap<string, string>, files: ReadonlySet<string>): readonly string[] {
  const anchors = new Map([...pages].map(([page, html]) => [page, idsOf(html)]));
  return [...pages].flatMap(([page, html]) => [
    ...linksOf(html)
      .map((link) => brokenBy(page, link, files, anchors))
      .filter((fault) => fault !== undefined),
    ...shapeFaults(page, html),
  ]);
}

/** Tags without what stands in blocks of code as text: there `<` is written `&lt;`. */
const linksOf = (html: string): readonly string[] =>
  [...html.matchAll(/<[a-z][^>]*?\s(?:href|src|action)="([^"]*)"/g)].map(([, link = ""]) => plain(link));

const plain = (text: string): string => text.replaceAll("&quot;", '"').replaceAll("&amp;", "&");

const idsOf = (html: string): ReadonlySet<string> =>
  new Set([...html.matchAll(/<[a-z][^>]*?\sid="([^"]*)"/g)].map(([, id = ""]) => id));

function brokenBy(
  page: string,
  link: string,
  files: ReadonlySet<string>,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) {
    return /^(?:https?:\/\/[^/]|mailto:)/.test(link) && URL.canParse(link)
      ? undefined
      : `${page}: ${link} is no address`;
  }
  const [to = "", anchor] = link.split("#");
  const path = to === "" ? page : posix.join(posix.dirname(page), decodeURI(to));
  if (to.startsWith("/") || !files.has(path)) return `${page}: ${link} leads to no file`;
  if (anchor !== undefined && !anchors.get(path)?.has(decodeURIComponent(anchor))) {
    return `${page}: ${link} leads to no section`;
  }
  return undefined;
}

/** What the policy of the pages would stop, and what makes a page hard to find one's way in. */
function shapeFaults(page: string, html: string): readonly string[] {
  const faults: string[] = [];
  const count = (pattern: RegExp): number => [...html.matchAll(pattern)].length;
  if (count(/<h1[ >]/g) !== 1)
    faults.push(`${page}: it has ${count(/<h1[ >]/g)} headings of the first level`);
  if (count(/<main[ >]/g) !== 1) faults.push(`${page}: it has not one main part`);
  if (count(/<script(?![^>]* src=)/g) > 0) faults.push(`${page}: it has a script inline`);
  if (count(/<style[ >]/g) > 0) faults.push(`${page}: it has styles inline`);
  if (count(/<[a-z][^>]*\s(?:style|on[a-z]+)="/g) > 0)
    faults.push(`${page}: a tag has style or script inline`);
  if (count(/<(?:script|img|link|iframe)[^>]*\s(?:src|href)="(?:[a-z]+:|\/\/)/g) > 0) {
    faults.push(`${page}: it loads something from elsewhere`);
  }
  if (count(/<img(?![^>]* alt=")/g) > 0) faults.push(`${page}: a picture has no text`);
  const ids = [...html.matchAll(/<[a-z][^>]*?\sid="([^"]*)"/g)].map(([, id]) => id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length > 0) faults.push(`${page}: two parts are named ${twice.join(", ")}`);
  return faults;
}
