import type { JsonValue } from "@countersign/protocol/canonical";
import { h } from "../dom.ts";
import { words } from "../words.ts";

const { prompt: said } = words;

/** Characters that draw nothing, or turn what follows around: each is shown as its number, so that no line says what it does not (T13). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is made visible here
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export const visible = (text: string): string =>
  text.replaceAll(
    UNSEEN,
    (char) => `⟨${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );

/** `instructedAmount` -> `instructed amount`: names of programs as a person reads them. */
export const readable = (name: string): string =>
  visible(name)
    .replaceAll(/[_-]+/g, " ")
    .replaceAll(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

function plain(value: JsonValue): string {
  if (value === null) return said.none;
  if (typeof value === "boolean") return value ? said.yes : said.no;
  return visible(String(value));
}

/** JSON of a client as rows of label and value, nested ones set in: inert text, nothing of it a link (RFC 9396, T14). */
export function detailsOf(value: JsonValue): HTMLElement {
  if (typeof value !== "object" || value === null) return h("p", { class: "value" }, plain(value));
  const entries: readonly (readonly [string, JsonValue])[] = isList(value)
    ? value.map((one, index) => [String(index + 1), one])
    : Object.entries(value).flatMap(([name, one]) => (one === undefined ? [] : [[name, one] as const]));
  if (entries.length === 0) return h("p", { class: "value" }, said.none);
  return h(
    "dl",
    { class: "details" },
    ...entries.map(([name, one]) =>
      h(
        "div",
        {},
        h("dt", {}, readable(name)),
        h("dd", {}, typeof one === "object" && one !== null ? detailsOf(one) : plain(one)),
      ),
    ),
  );
}
