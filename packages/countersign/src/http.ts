import { defined } from "./defined.ts";
import { makeProof } from "./dpop.ts";
import { CountersignError, type ErrorCode, type ErrorDetail } from "./errors.ts";
import { formEncoded } from "./form-encoded.ts";
import { backOff, checkAborted, pause } from "./pause.ts";
import type { Settings } from "./settings.ts";
import type { Waits } from "./waits.ts";

export type Json = Readonly<Record<string, unknown>>;

/** How a call may be made. */
export type How = {
  readonly signal?: AbortSignal | undefined;
  /** The call changes nothing when it comes again: it is repeated until this time (ms) when no answer comes. Unset: it is sent once. */
  readonly repeatUntil?: number;
};

/** What the server's own error codes are to us; what is not here is `refused`. */
const CODES: ReadonlyMap<string | undefined, ErrorCode> = new Map([
  ["access_denied", "denied"],
  ["expired_token", "expired"],
  ["temporarily_unavailable", "unavailable"],
]);

/** Seconds of `Retry-After`, if it is there. */
export function retryAfterOf(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  return seconds >= 0 ? seconds : undefined;
}

const isTrouble = (status: number): boolean => status === 429 || status >= 500;

/** The JSON object of a text; undefined for what is none. What a parser says of it is kept nowhere: it repeats a piece of the text. */
function objectIn(text: string): Json | undefined {
  try {
    const body: unknown = JSON.parse(text || "{}");
    return typeof body === "object" && body !== null ? (body as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** Browsers show no status of a redirect. It is never followed: secrets would go along. (Workers do not know `redirect: "error"`.) */
const isRedirect = ({ status }: Response): boolean => status < 200 || (status > 299 && status < 400);

/** No cookies in a browser. Workers do not know the member. */
const BARE: RequestInit =
  typeof document === "undefined" ? { redirect: "manual" } : { redirect: "manual", credentials: "omit" };

/** One request and its JSON. Throws `network` when no answer comes, or none that can be read. */
export async function ask(
  { fetch }: Pick<Settings, "fetch">,
  url: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
  within: number,
): Promise<{ readonly answer: Response; readonly body: Json }> {
  checkAborted(signal);
  // By hand: React Native has neither AbortSignal.timeout nor AbortSignal.any.
  const control = new AbortController();
  const stop = () => control.abort();
  const late = setTimeout(stop, within);
  signal?.addEventListener("abort", stop);
  try {
    const answer = await fetch(url, { ...init, ...BARE, signal: control.signal });
    if (isRedirect(answer)) throw new TypeError("a redirect");
    // What stands before the server says in HTML that it cannot be reached now.
    const body = objectIn(await answer.text()) ?? (isTrouble(answer.status) ? {} : undefined);
    if (!body) throw new TypeError("no JSON object");
    return { answer, body };
  } catch (cause) {
    checkAborted(signal);
    throw new CountersignError("network", `No answer that can be read from ${new URL(url).host}`, { cause });
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", stop);
  }
}

/** The server's refusal as an error of ours (RFC 6749 §5.2; RFC 9457). */
export function refusalOf(answer: Response, body: Json): CountersignError {
  const text = (name: string) => (typeof body[name] === "string" ? (body[name] as string) : undefined);
  const error = text("error") ?? text("code");
  const description = text("error_description") ?? text("detail");
  const { status } = answer;
  const retryAfter = retryAfterOf(answer);
  const detail: ErrorDetail = { status, ...defined({ error, description, retryAfter }) };
  const code = CODES.get(error) ?? (isTrouble(status) ? "unavailable" : "refused");
  return new CountersignError(code, description ?? error ?? `The server answered ${status}`, detail);
}

/** Seconds: a server that asks for more is asked again all the same, before what it keeps for us is lost. */
const PATIENCE = 10;

/** Tries again, until then, what may be tried again: no answer, or a server that cannot answer now. */
async function repeating<T>(
  { again, attempt, answer }: Waits,
  { signal, repeatUntil }: How,
  once: (within: number) => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await once(repeatUntil === undefined ? answer : attempt);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      const mayCome = error.code === "network" || error.code === "unavailable";
      const rest = Math.max(backOff(again, tries), Math.min(error.retryAfter ?? 0, PATIENCE) * 1000);
      if (!mayCome || repeatUntil === undefined || Date.now() + rest >= repeatUntil) throw error;
      await pause(rest, signal);
    }
  }
}

export type Caller = {
  /** Reads public JSON. */
  read(url: string, how?: How): Promise<Json>;
  /** Posts a form as this client, with a DPoP proof where there is a key. Throws the server's refusal. */
  post(url: string, form: Readonly<Record<string, string | undefined>>, how?: How): Promise<Json>;
};

/** Calls as this client. The newest nonce of the server is remembered (RFC 9449 §8). */
export function makeCaller(settings: Settings): Caller {
  const { clientId, clientSecret, dpop, waits } = settings;
  let nonce: string | undefined;
  const basic =
    clientSecret === undefined ? undefined : btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`);

  /** With another proof where the server wants its nonce in it; and where a browser sent ours a second time, if the call may come again. */
  async function once(url: string, body: URLSearchParams, how: How, within: number): Promise<Json> {
    for (let tries = 0; ; tries += 1) {
      const headers: Record<string, string> = { Accept: "application/json" };
      if (basic !== undefined) headers.Authorization = `Basic ${basic}`;
      if (dpop) headers.DPoP = await makeProof(dpop, { method: "POST", url, nonce });
      const init = { method: "POST", headers, body };
      const { answer, body: said } = await ask(settings, url, init, how.signal, within);
      nonce = answer.headers.get("DPoP-Nonce") ?? nonce;
      if (answer.ok) return said;
      const wantsOther =
        said.error === "use_dpop_nonce" || (how.repeatUntil && said.error === "invalid_dpop_proof");
      if (tries > 1 || !dpop || !wantsOther) throw refusalOf(answer, said);
    }
  }

  return {
    read: (url, how = {}) =>
      repeating(waits, how, async (within) => {
        const { answer, body } = await ask(settings, url, {}, how.signal, within);
        if (!answer.ok) throw refusalOf(answer, body);
        return body;
      }),
    post: (url, form, how = {}) => {
      const body = new URLSearchParams(defined(form) as Record<string, string>);
      if (basic === undefined) body.set("client_id", clientId);
      return repeating(waits, how, (within) => once(url, body, how, within));
    },
  };
}
