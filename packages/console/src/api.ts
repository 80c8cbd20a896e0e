import type { Row } from "./row.ts";

/** A refusal of the admin API, in the words of its problem details (RFC 9457). */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

/** A call of this deployment as its operator. The answer to 204 is undefined. */
export type Api = (method: string, path: string, body?: unknown) => Promise<Row>;

const UNREACHED = "The deployment cannot be reached. Try again.";
const WRONG_TOKEN = "This is not the admin token.";
const UNREADABLE = "The answer cannot be read. Does something else answer at this address?";

/** A press that waits for longer is told that nothing came. */
const WITHIN_MS = 30_000;

type Problem = {
  readonly detail?: string;
  /** Of `/healthz`. */
  readonly reason?: string;
  readonly title?: string;
  readonly errors?: readonly { readonly path: string; readonly reason: string }[];
};

function wordsOf(status: number, { detail, reason, title, errors = [] }: Problem): string {
  if (errors.length > 1) return errors.map((error) => `${error.path}: ${error.reason}`).join("; ");
  if (status === 401) return WRONG_TOKEN;
  return detail ?? reason ?? title ?? `The deployment answered ${status}.`;
}

/**
 * Calls with this token, which goes to this origin and nowhere else. Throws a `Refusal`. `refused` hears that the token is taken no more.
 */
export function makeApi(token: string, refused: () => void = () => {}): Api {
  // No other letter stands in a header, and none of those is in a token.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Refusal(401, WRONG_TOKEN);
  return async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(WITHIN_MS),
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer === undefined || text === undefined) throw new Refusal(0, UNREACHED);
    const told = read(text);
    if (answer.status === 401) refused();
    if (!answer.ok) throw new Refusal(answer.status, wordsOf(answer.status, told ?? {}));
    // A proxy in front may answer 200 with a page of its own.
    if (told === undefined && answer.status === 200) throw new Refusal(0, UNREADABLE);
    return answer.status === 202 ? { accepted: true } : told;
  };
}

function read(text: string): Row {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
