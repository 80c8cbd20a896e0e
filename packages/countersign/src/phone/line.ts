import { CountersignError, type ErrorCode } from "../errors.ts";
import { dpopProof, type PhoneCrypto, type Signer } from "./signer.ts";

/** How calls reach the service. */
export type Line = {
  /** The service's own name, which proofs name. */
  readonly issuer: string;
  /** Where it is reached: the issuer, or the origin of a page of the service. */
  readonly base: string;
  readonly fetch: typeof fetch;
  readonly crypto: PhoneCrypto;
  readonly clock: ServerClock;
};

/** The server's clock as far as it was heard, in milliseconds: phones' clocks go wrong, and what is signed has to be of this minute. */
export type ServerClock = {
  now(): number;
  /** Whether an answer has told the time yet. */
  isHeard(): boolean;
  hear(date: string | null): void;
};

/** The header knows whole seconds: less than two is no difference. A clock that was put right since is believed again. */
const CLOSE = 2000;

export function serverClock(own: () => number): ServerClock {
  let ahead = 0;
  let isHeard = false;
  const now = () => own() + ahead;
  return {
    now,
    isHeard: () => isHeard,
    hear(text) {
      const date = Date.parse(text ?? "");
      if (!Number.isFinite(date)) return;
      isHeard = true;
      if (Math.abs(date - now()) > CLOSE) ahead = date - own();
    },
  };
}

export type Call = { readonly method: string; readonly path: string; readonly body?: unknown };

/** Who calls: nobody, a key, or a key with the token that is bound to it. */
export type Caller = { readonly signer: Signer; readonly token?: string | undefined } | undefined;

/** How long an answer may take: nobody waits before a line that is dead. */
const PATIENCE = 30_000;

const network = (cause: unknown): CountersignError =>
  new CountersignError("network", "No answer came from the service.", { cause });

/** One call and its answer. Throws `network` where none came, and else what the server has refused. */
export async function send<T>(line: Line, call: Call, caller: Caller): Promise<T> {
  const { method, path, body } = call;
  const headers: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  if (caller) {
    const { signer, token } = caller;
    headers.DPoP = await proofFor(line, signer, method, path, token);
    if (token !== undefined) headers.Authorization = `DPoP ${token}`;
  }
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  let answer: Response;
  let text: string;
  try {
    answer = await line.fetch(`${line.base}${path}`, {
      method,
      headers,
      redirect: "manual",
      signal: patience.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await answer.text();
  } catch (cause) {
    throw network(cause);
  } finally {
    clearTimeout(timer);
  }
  // What a redirect comes to in a browser: it is none of ours.
  if (answer.status === 0) throw network("a redirect");
  line.clock.hear(answer.headers.get("Date"));
  return read<T>(answer, text);
}

/** The proof of one call; a query is no part of it (RFC 9449 §4.2). */
export const proofFor = (
  { crypto, clock, issuer }: Line,
  signer: Signer,
  method: string,
  path: string,
  token: string | undefined,
): Promise<string> =>
  dpopProof(crypto, signer, { method, url: `${issuer}${path.split("?")[0]}`, at: clock.now(), token });

type Body = Readonly<Record<string, unknown>>;

function read<T>(answer: Response, text: string): T {
  let body: unknown;
  try {
    body = JSON.parse(text || "{}");
  } catch (cause) {
    if (answer.ok)
      throw new CountersignError("network", "The answer cannot be read.", { status: answer.status, cause });
  }
  if (answer.ok) return body as T;
  throw refusalOf(answer, typeof body === "object" && body !== null ? (body as Body) : {});
}

/** Refusals that have a code of their own in this library; every other is `refused`. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  session_over: "session_over",
  expired: "expired",
  cancelled: "cancelled",
  superseded: "cancelled",
  out_of_guesses: "cancelled",
};

/** Problem details (RFC 9457 §3.1) and the two that this server adds to all of them. */
const STANDARD: ReadonlySet<string> = new Set(["type", "title", "status", "detail", "instance", "code"]);

function refusalOf({ status, headers }: Response, body: Body): CountersignError {
  const busy = status === 429 || status >= 500;
  const error = typeof body.code === "string" ? body.code : busy ? "unavailable" : "refused";
  const own = Object.entries(CODES).find(([name]) => name === error)?.[1];
  const description = typeof body.detail === "string" ? body.detail : undefined;
  const wait = Number.parseInt(headers.get("Retry-After") ?? "", 10);
  return new CountersignError(
    own ?? (busy ? "unavailable" : "refused"),
    description ?? `The service refused: ${error}.`,
    {
      status,
      error,
      ...(description === undefined ? {} : { description }),
      ...(Number.isFinite(wait) ? { retryAfter: wait } : {}),
      data: Object.fromEntries(Object.entries(body).filter(([name]) => !STANDARD.has(name))),
    },
  );
}
