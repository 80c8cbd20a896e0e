import { makeProof } from "./dpop.ts";
import { CountersignError, type ErrorCode, type ErrorDetail } from "./errors.ts";
import { backOff, checkAborted, pause } from "./pause.ts";
import type { Settings } from "./settings.ts";

export type Json = Readonly<Record<string, unknown>>;

/** How a call may be made. */
export type How = {
  readonly signal?: AbortSignal | undefined;
  /** The call changes nothing when it comes again: it is repeated until this time (ms) when no answer comes. */
  readonly repeatUntil?: number;
};

const ANSWER_WITHIN = 20_000;

/** What the server's own error codes are to us; what is not here is `refused`. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  access_denied: "denied",
  expired_token: "expired",
  temporarily_unavailable: "unavailable",
};

/** Seconds of `Retry-After`, if it is there. */
export function retryAfterOf(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** One request and its JSON. Throws `network` when no answer comes, or none that can be read. */
export async function ask(
  { fetch }: Pick<Settings, "fetch">,
  url: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
  within = ANSWER_WITHIN,
): Promise<{ readonly answer: Response; readonly body: Json }> {
  checkAborted(signal);
  // By hand: React Native has neither AbortSignal.timeout nor AbortSignal.any.
  const control = new AbortController();
  const stop = () => control.abort();
  const late = setTimeout(stop, within);
  signal?.addEventListener("abort", stop);
  try {
    const answer = await fetch(url, {
      ...init,
      signal: control.signal,
      redirect: "error",
      credentials: "omit",
    });
    const text = await answer.text();
    const body: unknown = text === "" ? {} : JSON.parse(text);
    if (typeof body !== "object" || body === null) throw new TypeError("no JSON object");
    return { answer, body: body as Json };
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
  const detail: ErrorDetail = {
    status,
    ...(error === undefined ? {} : { error }),
    ...(description === undefined ? {} : { description }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
  const known = error === undefined ? undefined : CODES[error];
  const code = known ?? (status === 429 || status >= 500 ? "unavailable" : "refused");
  return new CountersignError(code, description ?? error ?? `The server answered ${status}`, detail);
}

/** Tries again, until then, what may be tried again: no answer, or a server that cannot answer now. */
async function repeating<T>({ signal, repeatUntil = 0 }: How, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      const mayCome = error.code === "network" || error.code === "unavailable";
      const rest = Math.max(backOff(tries), (error.retryAfter ?? 0) * 1000);
      if (!mayCome || Date.now() + rest >= repeatUntil) throw error;
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

const encoded = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);

/** Calls as this client. The newest nonce of the server is remembered (RFC 9449 §8). */
export function makeCaller(settings: Settings): Caller {
  const { clientId, clientSecret, dpop } = settings;
  let nonce: string | undefined;
  const basic =
    clientSecret === undefined ? undefined : btoa(`${encoded(clientId)}:${encoded(clientSecret)}`);

  async function once(url: string, body: URLSearchParams, signal: AbortSignal | undefined): Promise<Json> {
    for (const isLast of [false, true]) {
      const headers: Record<string, string> = { Accept: "application/json" };
      if (basic !== undefined) headers.Authorization = `Basic ${basic}`;
      if (dpop) headers.DPoP = await makeProof(dpop, { method: "POST", url, nonce });
      const { answer, body: said } = await ask(settings, url, { method: "POST", headers, body }, signal);
      nonce = answer.headers.get("DPoP-Nonce") ?? nonce;
      if (answer.ok) return said;
      if (isLast || !dpop || said.error !== "use_dpop_nonce") throw refusalOf(answer, said);
    }
    throw new CountersignError("refused", "The server goes on asking for another nonce");
  }

  return {
    read: (url, how = {}) =>
      repeating(how, async () => {
        const { answer, body } = await ask(settings, url, {}, how.signal);
        if (!answer.ok) throw refusalOf(answer, body);
        return body;
      }),
    post: (url, form, how = {}) => {
      const given = Object.entries(form).filter((pair): pair is [string, string] => pair[1] !== undefined);
      const body = new URLSearchParams(given);
      if (basic === undefined) body.set("client_id", clientId);
      return repeating(how, () => once(url, body, how.signal));
    },
  };
}
