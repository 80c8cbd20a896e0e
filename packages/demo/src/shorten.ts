/** A token, a key, an id: nothing that a reader compares, and much of it. Names of the standards are as long. */
const LONG = /^(?!urn:)[\w.~+/=:-]{25,}$/;
const SECRET = /^(client_secret|webhook_secret|token|access_token|id_token|refresh_token|frame|scan|ticket)$/;
const HEAD = 6;
const TAIL = 4;

/** A text that is too long to be read, or a secret, by its ends. */
const cut = (text: string): string => `${text.slice(0, HEAD)}…${text.slice(-TAIL)}`;

function shortText(name: string, value: string): string {
  if (/^(https?|wss?):/.test(value)) return shortPath(value);
  return LONG.test(value) || SECRET.test(name) ? cut(value) : value;
}

function shortValue(name: string, value: unknown): unknown {
  if (typeof value === "string") return shortText(name, value);
  if (Array.isArray(value)) return value.map((member) => shortValue(name, member));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shortValue(key, member)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A body, JSON or a form, as JSON with every token and secret cut; any other text is cut as a whole. */
export function shortBody(text: string, isForm = false): string {
  const value = isForm ? Object.fromEntries(new URLSearchParams(text)) : parsed(text);
  if (value === undefined) return LONG.test(text) ? cut(text) : text;
  return JSON.stringify(shortValue("", value), null, 2);
}

/** A path or an address, with ids and tokens in it cut. */
export function shortPath(path: string): string {
  return path.replace(/[\w.~-]{25,}/g, cut);
}
