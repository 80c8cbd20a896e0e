/** Calls of the load generator: keep-alive, as many connections as calls in flight. */
import { Pool } from "undici";

export type Answer = {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a flow reads members that it checks
  readonly body: any;
  readonly cookies: readonly string[];
};

type Sent = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
};

export type Http = {
  call(path: string, sent?: Sent): Promise<Answer>;
  /** The same, and an error for another status: a flow that is wrong ends the run. */
  read(path: string, status: number, sent?: Sent): Promise<Answer>;
};

const TYPES = { json: "application/json", form: "application/x-www-form-urlencoded" } as const;

export function makeHttp(origin: string, connections: number): Http {
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    bodyTimeout: 130_000,
    headersTimeout: 130_000,
  });
  const call: Http["call"] = async (path, { method, headers = {}, json, form } = {}) => {
    const kind = json === undefined ? (form ? "form" : undefined) : "json";
    const body = json === undefined ? form && new URLSearchParams(form).toString() : JSON.stringify(json);
    const answer = await pool.request({
      path,
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { ...headers, ...(kind ? { "content-type": TYPES[kind] } : {}) },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    const set = answer.headers["set-cookie"] ?? [];
    return {
      status: answer.statusCode,
      body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text,
      cookies: typeof set === "string" ? [set] : set,
    };
  };
  return {
    call,
    async read(path, status, sent) {
      const answer = await call(path, sent);
      if (answer.status === status) return answer;
      throw new Error(`${path} answered ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
    },
  };
}
