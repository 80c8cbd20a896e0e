/** Calls to a served Worker, as bytes go over the wire: nothing is added that a test did not ask for. */
export type Call = {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON with its content type. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
};

export type Json = Readonly<Record<string, unknown>>;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
  /** The body as an object; an empty one when it is none. */
  readonly body: Json;
};

export type Api = (method: string, path: string, call?: Call) => Promise<Answer>;

/** `path` starts after the origin; `always` are headers of every call. */
export function makeApi(origin: string, always: Readonly<Record<string, string>> = {}): Api {
  return async (method, path, call = {}) => {
    const query = call.query ? `?${new URLSearchParams(call.query)}` : "";
    const body = call.json === undefined ? call.raw : JSON.stringify(call.json);
    const answer = await fetch(`${origin}${path}${query}`, {
      method,
      redirect: "manual",
      headers: {
        ...always,
        ...(call.json === undefined ? {} : { "Content-Type": "application/json" }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    const json = parsed(text);
    return { status: answer.status, headers: answer.headers, text, json, body: isObject(json) ? json : {} };
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
