import { textOf, type Values } from "./command.ts";
import { failed, misused, stopped } from "./fault.ts";
import { plain } from "./print.ts";

export const ADMIN_OPTIONS = { url: { type: "string" }, json: { type: "boolean" } } as const;

export const ADMIN_HELP = `  --url URL    the server. Default: http://127.0.0.1:8787
  --json       JSON, for scripts

The admin token comes from the environment variable COUNTERSIGN_ADMIN_TOKEN. It is never an argument.
On this machine alone, the published development token is used without it.`;

export type Body = Readonly<Record<string, unknown>>;
export type Answer = { readonly body: Body; readonly now: number };

export type Admin = { call(method: "GET" | "POST", path: string, body?: object): Promise<Answer> };

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const USUAL = "http://127.0.0.1:8787";
const DEVELOPMENT_TOKEN = "dev-admin-token";

/** Refuses what would send the token in the clear. */
function originOf(text: string): URL {
  if (!URL.canParse(text)) throw misused("--url must be an address, such as https://sign.example");
  const url = new URL(text);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isSafe) throw misused("--url must be https; http is for this machine alone");
  if (url.username || url.password || url.pathname !== "/" || url.search || url.hash) {
    throw misused("--url must be an origin without a path, such as https://sign.example");
  }
  return url;
}

function tokenFor({ hostname }: URL): string {
  const given = process.env.COUNTERSIGN_ADMIN_TOKEN;
  if (given) {
    if (!/^[\x21-\x7e]+$/.test(given)) throw misused("COUNTERSIGN_ADMIN_TOKEN is not a token");
    return given;
  }
  if (LOOPBACK.test(hostname)) return DEVELOPMENT_TOKEN;
  throw misused("Set COUNTERSIGN_ADMIN_TOKEN to the server's ADMIN_TOKEN. It is never an argument");
}

/** The admin API of the server that `--url` names. Redirects are not followed: the token goes to that server alone. */
export function adminOf(values: Values, signal: AbortSignal): Admin {
  const url = originOf(textOf(values, "url") ?? USUAL);
  const token = tokenFor(url);
  return {
    async call(method, path, body) {
      let answer: Response;
      let text: string;
      try {
        answer = await fetch(`${url.origin}${path}`, {
          method,
          redirect: "manual",
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
          signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
          ...(body && { body: JSON.stringify(body) }),
        });
        text = await answer.text();
      } catch (error) {
        if (signal.aborted) throw stopped();
        throw failed(`No answer from ${url.origin}: ${reasonOf(error)}`);
      }
      const read = parse(text);
      if (answer.ok && read)
        return { body: read, now: Date.parse(answer.headers.get("Date") ?? "") || Date.now() };
      throw failed(answer.ok ? `${url.origin} is no Countersign server` : refusalOf(answer.status, read));
    },
  };
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & {
    readonly cause?: { readonly code?: string; readonly message?: string };
  };
  return plain(cause?.code ?? cause?.message ?? message);
}

function parse(text: string): Body | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Body) : undefined;
  } catch {
    return undefined;
  }
}

/** The server's own words (RFC 9457). */
function refusalOf(status: number, body: Body | undefined): string {
  const words = body?.detail ?? body?.title;
  const hint = status === 401 ? "\nIs COUNTERSIGN_ADMIN_TOKEN the token of this server?" : "";
  return `The server refused (${status})${typeof words === "string" ? `: ${plain(words)}` : ""}${hint}`;
}
