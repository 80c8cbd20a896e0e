/** Text of others must not steer the terminal: what is not seen is shown as its number. */
export const plain = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
export const note = (line: string): void => void process.stderr.write(`${line}\n`);

/** One line of JSON, for scripts. */
export const sayJson = (value: unknown): void => say(plain(JSON.stringify(value)));

const shownAs = (value: unknown): string => {
  if (Array.isArray(value)) return value.map((each) => shownAs(each)).join(", ");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
};

/** Members one below the other; what is empty is left out. */
export function sayMembers(members: Readonly<Record<string, unknown>>): void {
  const shown = Object.entries(members)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [name, shownAs(value)] as const)
    .filter(([, text]) => text !== "" && text !== "{}");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  for (const [name, text] of shown) say(`${name.padEnd(width)}  ${plain(text)}`);
}
