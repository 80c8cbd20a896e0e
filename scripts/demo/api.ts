import { expect } from "./expect.ts";

export type Answer = { readonly status: number; readonly body: unknown };

export type Call = {
  readonly method?: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

/** Calls of one caller against one server: JSON in, JSON out. */
export type Api = {
  /** Whatever comes. */
  call(path: string, call?: Call): Promise<Answer>;
  /** The body as an object; throws unless the status is the expected one. */
  read(path: string, status: number, call?: Call): Promise<Readonly<Record<string, unknown>>>;
};

/** `headers` go with every call: an admin's token, or the app's `API_KEY_ID`. */
export function makeApi(origin: string, headers: Readonly<Record<string, string>>): Api {
  const call = async (path: string, { method = "GET", headers: more, body }: Call = {}): Promise<Answer> => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { ...headers, ...more, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await answer.text();
    return { status: answer.status, body: parsed(text) };
  };
  return {
    call,
    async read(path, status, options) {
      const answer = await call(path, options);
      expect(answer.status === status, `status ${status} of ${path.split("?")[0]}`, answer);
      expect(isObject(answer.body), "a JSON object", answer.body);
      return answer.body;
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

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A member that must be a text. */
export function textOf(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  expect(typeof value === "string" && value !== "", `a text in ${name}`, typeof value);
  return value;
}

/** A member that must be an integer. */
export function numberOf(body: Readonly<Record<string, unknown>>, name: string): number {
  const value = body[name];
  expect(typeof value === "number" && Number.isSafeInteger(value), `an integer in ${name}`, value);
  return value;
}

/** A member that must be an object. */
export function objectOf(
  body: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const value = body[name];
  expect(isObject(value), `an object in ${name}`, typeof value);
  return value;
}
