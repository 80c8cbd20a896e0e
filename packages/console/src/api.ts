import type { Row } from "./row.ts";

/** A refusal of the admin API, in the words of its problem details (RFC 9457). */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

/** A call of this deployment as its operator. */
export type Api = (method: string, path: string, body?: unknown) => Promise<Row>;

const WORDS: Readonly<Record<number, string>> = {
  0: "The deployment cannot be reached. Try again.",
  401: "This is not the admin token.",
  503: "The deployment cannot answer now. Try again.",
};

type Problem = {
  readonly detail?: string;
  readonly title?: string;
  readonly errors?: readonly { readonly path: string; readonly reason: string }[];
};

function wordsOf(status: number, { detail, title, errors = [] }: Problem): string {
  if (errors.length > 1) return errors.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
  if (status === 401) return WORDS[401] ?? "";
  return detail ?? WORDS[status] ?? title ?? `The deployment answered ${status}.`;
}

/** Calls with this token, which goes to this origin and nowhere else. Throws a `Refusal`. */
export const makeApi =
  (token: string): Api =>
  async (method, path, body) => {
    const init: RequestInit = {
      method,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const answer = await fetch(path, init).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer === undefined || text === undefined) throw new Refusal(0, WORDS[0] ?? "");
    const told = read(text);
    if (!answer.ok) throw new Refusal(answer.status, wordsOf(answer.status, told ?? {}));
    return told;
  };

function read(text: string): Row {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
