/** What JSON can say. `undefined` members are none, as `JSON.stringify` has it. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };

/**
 * JSON in the one spelling of RFC 8785: members sorted by their UTF-16 code units, no white space, strings and numbers as ECMAScript writes them.
 * Throws a TypeError for what that spelling has no words for: numbers that are not finite, and strings with a lone surrogate (I-JSON, RFC 7493 §2.1).
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === "string") return textOf(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("a number is not finite");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .flatMap((name) => {
      const member = value[name];
      return member === undefined ? [] : [`${textOf(name)}:${canonicalJson(member)}`];
    });
  return `{${members.join(",")}}`;
}

const isList = (value: object): value is readonly JsonValue[] => Array.isArray(value);

function textOf(text: string): string {
  // A range, as not every engine of a phone knows \p{Surrogate}.
  if (/[\ud800-\udfff]/u.test(text)) throw new TypeError("a string has a lone surrogate");
  return JSON.stringify(text);
}
