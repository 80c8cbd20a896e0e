/** A fenced block of a document. `line` is that of its first fence; `head` its first line of code. */
export type Block = {
  readonly path: string;
  readonly line: number;
  readonly language: string;
  readonly head: string;
  readonly text: string;
};

const FENCE = /^( *)(```+)([^\n`]*)\n([\s\S]*?)^\1\2 *$/gm;

/** Every fenced block of a document, also those of a list. */
export const blocksIn = (path: string, text: string): readonly Block[] =>
  [...text.matchAll(FENCE)].map(({ index, 1: indent = "", 3: info = "", 4: body = "" }) => {
    const code = body.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    const line = text.slice(0, index).split("\n").length;
    return { path, line, language: info.trim(), head: code.split("\n")[0]?.trim() ?? "", text: code };
  });

/** How a block is named in the lists of the test: lines move, first lines stay. */
export const nameOf = ({ path, head }: Block): string =>
  `${path}: ${head.replaceAll(/\s+/g, " ").slice(0, 38).trim()}`;

/** JSON that may have comments and be shortened by `…`. */
export const withoutComments = (text: string): string =>
  text.replaceAll(
    /("(?:\\.|[^"\\\n])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, quoted: string | undefined) => quoted ?? "",
  );

/** What is wrong with the text of an HTTP message; undefined when nothing is (RFC 9112 §2.1). */
export function httpFault(text: string): string | undefined {
  const [head = "", ...rest] = text.trimEnd().split(/\n\n/);
  const [start = "", ...fields] = head.split("\n");
  if (!/^(?:[A-Z]+ \/\S* HTTP\/1\.1|HTTP\/1\.1 \d{3}(?: .*)?)$/.test(start)) return `no start line: ${start}`;
  const odd = fields.find((field) => !/^[A-Za-z0-9-]+: \S/.test(field));
  if (odd !== undefined) return `no field: ${odd}`;
  if (!/^content-type: application\/json\b/im.test(head)) return undefined;
  try {
    JSON.parse(rest.join("\n\n"));
    return undefined;
  } catch (error) {
    return String(error);
  }
}
