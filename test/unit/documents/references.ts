import { posix } from "node:path";

/** A text of the repository, by its path from the root. */
export type Page = { readonly path: string; readonly text: string };

type Kind =
  | "section"
  | "row"
  | "fact"
  | "settled question"
  | "case"
  | "decision"
  | "document"
  | "source"
  | "link"
  | "outside";

/** What a text refers to. `target` is what `resolves` looks for; `as` is how the text writes it. */
export type Reference = { readonly kind: Kind; readonly target: string; readonly as: string };

const DOORS: Readonly<Record<string, string>> = {
  Cotter: "cotter",
  LoginID: "loginid",
  Authsignal: "authsignal",
};
const DOOR = Object.keys(DOORS).join("|");

/** Documents that anybody can open, by the name in front of a section. */
const STANDARDS = [
  "RFC \\d+",
  "WebAuthn",
  "CTAP\\d?",
  "OIDC Core",
  "OpenID Connect Core",
  "CIBA(?: Core)?",
  "OAuth 2\\.1",
  "Standard Webhooks",
  "Unicode Standard,?",
  "ITU-T E\\.164",
  "SP \\d+-\\d+[A-Z]?(?:-\\d+)?",
  "FIPS [\\d-]+",
  "WCAG [\\d.]+",
  "CSP Level \\d",
  "WHATWG URL",
  "Fetch",
].join("|");

const NAMED = new RegExp(`(?:(${DOOR})|${STANDARDS})[ ,]*$`);
const SECTION = /§ ?([0-9A-Z]+(?:\.[0-9]+)*)(?:[-–]([0-9]+(?:\.[0-9]+)*))?/g;
const JOINED = /^(?: (?:row|step) \d+)?(?:,? and |, | to |; )$/;

/** One line of a text whose comments and paragraphs go over several. */
const flat = (text: string): string =>
  text.replaceAll(/[ \t]*\n[ \t]*(?:\*(?!\/)|\/\/|--|#+(?= ))?[ \t]*/g, " ");

/** The door whose folder or page a file is in: there a bare section is one of that door's wire. */
const doorOf = (path: string): string | undefined =>
  /^(?:src\/doors|docs\/wire)\/(cotter|loginid|authsignal)\b/.exec(path)?.[1];

/** All numbers of a list such as `1-5, 10`, `12 and 50` or `50 to 52`. */
function numbersOf(list: string): readonly string[] {
  return [...list.matchAll(/(\d+)(?:(?:[-–]| to )(\d+))?/g)].flatMap(([, from, to]) => {
    const first = Number(from);
    return Array.from({ length: Number(to ?? from) - first + 1 }, (_, index) => String(first + index));
  });
}

const LIST = "(\\d+(?:(?:[-–]|, | and | to )\\d+)*)";

/** Sections with the document that they are of; one that names none is of the door's, or of nothing. */
function sectionsIn(text: string, door: string | undefined): readonly Reference[] {
  const found: Reference[] = [];
  let last: { readonly end: number; readonly owner: string | undefined } | undefined;
  for (const match of text.matchAll(SECTION)) {
    const [as, from = "", to] = match;
    const named = NAMED.exec(text.slice(Math.max(0, match.index - 40), match.index));
    const isNext = last !== undefined && JOINED.test(text.slice(last.end, match.index));
    const own = named ? (DOORS[named[1] ?? ""] ?? "standard") : isNext ? last?.owner : door;
    last = { end: match.index + as.length, owner: own };
    if (own === "standard") continue;
    for (const number of between(from, to)) {
      found.push({ kind: "section", target: `${own ?? "nothing"} ${number}`, as });
    }
  }
  return found;
}

/** `4.2`, `4.3` and `4.4` of `4.2-4.4`. */
function between(from: string, to: string | undefined): readonly string[] {
  if (to === undefined) return [from];
  const [parent, first] = [from.replace(/\d+$/, ""), Number(/\d+$/.exec(from)?.[0])];
  const length = Number(/\d+$/.exec(to)?.[0]) - first + 1;
  return Array.from({ length }, (_, index) => `${parent}${first + index}`);
}

const each = (
  kind: Kind,
  text: string,
  pattern: string,
  targetOf: (groups: readonly string[]) => readonly string[],
): readonly Reference[] =>
  [...text.matchAll(new RegExp(pattern, "g"))].flatMap(([as, ...groups]) =>
    targetOf(groups.map((group) => group ?? "")).map((target) => ({ kind, target, as })),
  );

/** Everything that a text refers to and that `resolves` can look up. */
export function referencesIn({ path, text }: Page): readonly Reference[] {
  const line = flat(text);
  const door = doorOf(path);
  const isMarkdown = path.endsWith(".md");
  const doorNamed = (name: string) => DOORS[name] ?? door ?? "nothing";
  return [
    ...sectionsIn(line, door),
    ...each("row", line, `[Rr]ows? ${LIST} of (${DOOR}) §([\\d.]*\\d)`, ([list = "", name = "", section]) =>
      numbersOf(list).map((row) => `${DOORS[name]} ${section} ${row}`),
    ),
    ...each("row", line, `(${DOOR}) §([\\d.]*\\d) (?:row|step) (\\d+)`, ([name = "", section, row]) => [
      `${DOORS[name]} ${section} ${row}`,
    ]),
    ...each("fact", line, `(?:\\b(${DOOR}) )?\\bfacts? ${LIST}\\b`, ([name = "", list = ""]) =>
      numbersOf(list).map((number) => `${doorNamed(name)} ${number}`),
    ),
    ...each("settled question", line, `\\bsettled questions? ${LIST}`, ([list = ""]) => numbersOf(list)),
    ...each("case", line, "(?<![\\w+/=.-])(T\\d{2,3})(?![\\w+/=])", ([id = ""]) => [id]),
    ...each("decision", line, `\\bdecisions? ${LIST}`, ([list = ""]) => numbersOf(list)),
    ...each("decision", text, "\\bdecisions/(\\d{4})\\b", ([number = ""]) => [String(Number(number))]),
    ...each("document", text, "(?<![\\w.])((?:\\.{0,2}[\\w-]*/)*[\\w-]+\\.md)\\b", ([file = ""]) => [file]),
    // `/docs/api` is an address of the server.
    ...each("document", text, "(?<!(?:^|[^.])/)\\b(docs/[\\w./-]*[\\w/])", ([file = ""]) =>
      /decisions\/\d{4}$|\.md$/.test(file) ? [] : [file],
    ),
    ...(isMarkdown ? sourcesIn(text) : []),
    ...(isMarkdown ? linksIn(path, text) : []),
    ...each(
      "outside",
      text,
      "((?:\\.\\./|/)shared/|\\bshared/(?:protocols|design|security|cases)\\b)",
      ([name = ""]) => [name],
    ),
  ];
}

/** Names of source files and folders in a document; `*` stands for anything. */
const sourcesIn = (text: string): readonly Reference[] => [
  ...each("source", text, "`((?:[\\w.*-]+/)*[\\w.*-]+\\.(?:tsx?|mjs))\\b", ([file = ""]) => [file]),
  ...each("source", text, "`((?:src|test|scripts|bench|migrations)/[\\w/-]*)`", ([folder = ""]) => [folder]),
];

/** Links within the repository, as paths from its root, with the heading where one is named. */
const linksIn = (path: string, text: string): readonly Reference[] =>
  each("link", text, "\\]\\((?!https?:)([^)\\s]+)\\)", ([link = ""]) => {
    const [to = "", anchor] = link.split("#");
    const file = to === "" ? path : posix.join(posix.dirname(path), to);
    return [anchor === undefined ? file : `${file}#${anchor}`];
  });

/** A heading as its link names it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");

/** What can be referred to: every path of the repository, and the texts of its documents. */
export type Library = {
  readonly paths: readonly string[];
  readonly documents: ReadonlyMap<string, string>;
};

const headingsOf = (text: string): readonly string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? "");

/** The text of a section, up to the next heading of any kind. */
const sectionOf = (text: string, number: string): string =>
  text
    .split(/^(?=#+ )/m)
    .find((part) => new RegExp(`^#+ ${number.replaceAll(".", "\\.")}\\.? `).test(part)) ?? "";

const wireOf = ({ documents }: Library, door: string): string => documents.get(`docs/wire/${door}.md`) ?? "";

/** Whether a reference of the file at `path` leads to something. */
export function resolves(library: Library, path: string, { kind, target }: Reference): boolean {
  const { documents, paths } = library;
  const [first = "", second = "", third = ""] = target.split(" ");
  switch (kind) {
    case "section":
      return sectionOf(wireOf(library, first), second) !== "";
    case "row": {
      const table = wireOf(library, first).split(/^(?=## |### )/m);
      const text = table.find((part) => sectionOf(part, second) !== "") ?? "";
      return new RegExp(`^(?:\\| ${third} \\||${third}\\. )`, "m").test(text);
    }
    case "fact":
      return new RegExp(`^#+ 0\\.${second} Fact ${second}:`, "m").test(wireOf(library, first));
    case "settled question":
      return [...documents].some(
        ([name, text]) => name.startsWith("docs/decisions/0060-") && text.includes(`\n| ${target} |`),
      );
    case "case":
      return documents.get("docs/security-cases.md")?.includes(`\n| ${target} |`) ?? false;
    case "decision":
      return paths.some((file) => file.startsWith(`docs/decisions/${target.padStart(4, "0")}-`));
    case "document":
      return [".", "docs", posix.dirname(path)].some((at) => isThere(library, posix.join(at, target)));
    case "source": {
      if (isThere(library, target)) return true;
      const name = target.replaceAll(".", "\\.").replaceAll("*", "[\\w.-]*");
      return paths.some((file) => new RegExp(`(?:^|/)${name}$`).test(file));
    }
    case "link":
      return isLinked(library, target);
    case "outside":
      return false;
  }
}

/** Whether there is such a file, or a folder of that name. */
const isThere = ({ paths }: Library, file: string): boolean => {
  const name = file.replace(/\/$/, "");
  return paths.some((path) => path === name || path.startsWith(`${name}/`));
};

function isLinked(library: Library, link: string): boolean {
  const [file = "", anchor] = link.split("#");
  if (!isThere(library, file)) return false;
  if (anchor === undefined) return true;
  return headingsOf(library.documents.get(file) ?? "")
    .map(anchorOf)
    .includes(anchor);
}

/** What a file refers to and nobody can open, as `kind: how it is written`. */
export const danglingIn = (library: Library, page: Page): readonly string[] =>
  referencesIn(page)
    .filter((reference) => !resolves(library, page.path, reference))
    .map(({ kind, target, as }) => `${page.path}: ${kind} ${as.trim()} (${target})`);
