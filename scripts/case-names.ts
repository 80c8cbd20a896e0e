/** A test file: its path from the root of the project, and its text. */
export type TestFile = { readonly path: string; readonly text: string };

const TEXT_OR_COMMENT =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/**
 * The name of a test, of a table of tests or of a group that starts with the id of a case (`T45`), of a row of the attack (`S4`) or one fault
 * of it (`S7a`), of a row of the faults (`C7`), or with several of them (`S1 T111`); one that is skipped has none.
 */
const NAMED =
  /(?:\b(?:test|it|describe)(?:\.(?:concurrent|sequential|only))*|\))\(\s*["'`]((?:(?:S\d{1,2}[a-z]?|[CALOG]\d{1,2}|T\d{2,3}) )*(?:S\d{1,2}[a-z]?|[CALOG]\d{1,2}|T\d{2,3}))\b/g;

/** The ids that the names in this text start with, sorted, each once. */
export function casesNamedIn(text: string): readonly string[] {
  const code = text.replaceAll(TEXT_OR_COMMENT, (_, quoted: string | undefined) => quoted ?? " ");
  const ids = [...code.matchAll(NAMED)].flatMap(([, id]) => id?.split(" ") ?? []);
  return [...new Set(ids)].sort(byNumber);
}

/** Which files hold a test of which case, in the order of the ids. */
export function caseMatrix(files: readonly TestFile[]): ReadonlyMap<string, readonly string[]> {
  const matrix = new Map<string, string[]>();
  for (const { path, text } of files) {
    for (const id of casesNamedIn(text)) matrix.set(id, [...(matrix.get(id) ?? []), path]);
  }
  return new Map([...matrix].sort(([a], [b]) => byNumber(a, b)));
}

/** Rows before cases, each by its number, and a row before its faults. */
const byNumber = (a: string, b: string): number => {
  const number = (id: string) => Number.parseInt(id.slice(1), 10);
  return a.charAt(0).localeCompare(b.charAt(0)) || number(a) - number(b) || a.localeCompare(b);
};
