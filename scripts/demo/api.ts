import { expect } from "./expect.ts";

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown };

export type Fields = Readonly<Record<string, string>>;

export type Call = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a form, by POST. */
  readonly form?: Fields;
};

type Members = Readonly<Record<string, unknown>>;

/** Calls of one caller against one server: JSON or a form in, JSON out. A path may be a whole address. */
export type Api = {
  /** Whatever comes. */
  call(path: string, call?: Call): Promise<Answer>;
  /** The body as an object; throws unless the status is the expected one. */
  read(path: string, status: number, call?: Call): Promise<Members>;
};

/** `headers` go with every call: an admin's token, a client's secret, or the app's `API_KEY_ID`. */
export function makeApi(origin: string, headers: Readonly<Record<string, string>> = {}): Api {
  const call = async (path: string, options: Call = {}): Promise<Answer> => {
    const { method = options.form ? "POST" : "GET", headers: more, body, form } = options;
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const sent = form ? new URLSearchParams(form) : JSON.stringify(body);
    const answer = await fetch(/^https?:/.test(path) ? path : `${origin}${path}`, {
      method,
      headers: { ...headers, ...more, ...json },
      ...(sent === undefined ? {} : { body: sent }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: parsed(text) };
  };
  return {
    call,
    async read(path, status, options) {
      const answer = await call(path, options);
      const { pathname } = new URL(path, origin);
      const { body } = answer;
      expect(answer.status === status, `status ${status} of ${pathname}`, { status: answer.status, body });
      expect(isObject(body), "a JSON object", body);
      return body;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A member that must be a text. */
export function textOf(body: Members, name: string): string {
  const value = body[name];
  expect(typeof value === "string" && value !== "", `a text in ${name}`, typeof value);
  return value;
}

/** A member that must be an integer. */
export function numberOf(body: Members, name: string): number {
  const value = body[name];
  expect(typeof value === "number" && Number.isSafeInteger(value), `an integer in ${name}`, value);
  return value;
}

/** A member that must be an object. */
export function objectOf(body: Members, name: string): Members {
  const value = body[name];
  expect(isObject(value), `an object in ${name}`, typeof value);
  return value;
}
