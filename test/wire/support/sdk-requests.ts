import { expect } from "vitest";

/** What a decoder needs a member to be; `null` and `absent` stand beside another kind where the decoder takes them. */
export type Kind =
  | "string"
  | "integer"
  | "boolean"
  | "array"
  | "object"
  | "null"
  | "absent"
  | "date"
  | "uuid"
  | "seconds as text"
  | "JWT";

/** The members that a decoder requires, by their path (`oauth_token.access_token`); `""` is the body itself. */
export type Needs = Readonly<Record<string, Kind | readonly Kind[]>>;

/** A request as a network layer sends it: the path with its query as it stands on the wire. */
export type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** One request of one SDK. `request` may do what the SDK does not do itself, such as typing a code on a page. */
export type SdkRequest<Context> = {
  readonly sdk: string;
  readonly version: string;
  readonly does: string;
  request(context: Context): Sent | Promise<Sent>;
  /** 200 where nothing is said. */
  readonly status?: number;
  readonly answer: Needs;
  /** Members whose values are known before, by their paths. */
  says?(context: Context): Readonly<Record<string, unknown>>;
  /** Keeps what the next request needs. */
  keep?(context: Context, answer: unknown): void;
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

const IS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  integer: Number.isSafeInteger,
  boolean: (value) => typeof value === "boolean",
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  null: (value) => value === null,
  absent: (value) => value === undefined,
  date: (value) => typeof value === "string" && DATE.test(value) && !Number.isNaN(Date.parse(value)),
  uuid: (value) => typeof value === "string" && UUID.test(value),
  "seconds as text": (value) => typeof value === "string" && /^\d{10}$/.test(value),
  JWT: (value) => typeof value === "string" && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value),
};

const at = (body: unknown, path: string): unknown =>
  path === ""
    ? body
    : path
        .split(".")
        .reduce<unknown>((value, name) => (value as Readonly<Record<string, unknown>> | null)?.[name], body);

/** The members that a decoder would fail on, each with what is there. */
export const lacking = (needs: Needs, body: unknown): readonly string[] =>
  Object.entries(needs).flatMap(([path, kinds]) => {
    const value = at(body, path);
    return [kinds].flat().some((kind) => IS[kind](value))
      ? []
      : [`${path}: ${JSON.stringify(value)} is no ${[kinds].flat().join(" or ")}`];
  });

/**
 * Plays the requests of one SDK in their order, and holds each answer against what its decoder requires. `keepsCookies` says whether its
 * HTTP stack does that by itself.
 */
export async function play<Context>(
  origin: string,
  requests: readonly SdkRequest<Context>[],
  context: Context,
  keepsCookies = false,
): Promise<void> {
  const jar = new Map<string, string>();
  for (const each of requests) {
    const { method, path, headers = {}, body } = await each.request(context);
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { ...headers, ...(jar.size > 0 ? { Cookie: [...jar.values()].join("; ") } : {}) },
      redirect: "manual",
      ...(body === undefined ? {} : { body }),
    });
    for (const set of keepsCookies ? answer.headers.getSetCookie() : []) {
      const [pair = ""] = set.split(";");
      jar.set(pair.slice(0, pair.indexOf("=")), pair);
    }
    const text = await answer.text();
    const json = parsed(text);
    const what = `${each.sdk} ${each.version} ${each.does}: ${method} ${path} came back ${text.slice(0, 400)}`;
    expect(answer.status, what).toBe(each.status ?? 200);
    expect(lacking(each.answer, json), what).toEqual([]);
    for (const [path, value] of Object.entries(each.says?.(context) ?? {})) {
      expect(at(json, path), `${what} (${path})`).toEqual(value);
    }
    each.keep?.(context, json);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
