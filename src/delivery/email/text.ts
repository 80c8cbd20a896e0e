import type { Content } from "./content.ts";

/** The plain-text form of an e-mail: the same words, a line between paragraphs. */
export function emailText({ heading, before, warning, after, code, link, brand }: Content): string {
  const key = [code, link].filter((part) => part !== undefined).map((part) => `    ${part}`);
  return `${[heading, ...before, ...key, ...(warning ? [warning] : []), ...after, `— ${brand}`].join("\n\n")}\n`;
}
