import type { WaitState } from "../../protocol/src/waiting.ts";
import { defined } from "./defined.ts";
import { type Discovery, type Endpoint, isAt } from "./discovery.ts";
import { CountersignError } from "./errors.ts";
import type { Caller, Json } from "./http.ts";
import { pause } from "./pause.ts";
import { endIn, readSession, type Session, tokenIn } from "./session.ts";
import type { Settings } from "./settings.ts";
import { waitForEnd } from "./wait.ts";

/** What to show to the person who waits. */
export type Prompt = {
  /** `claimed`: somebody has opened it on a phone. */
  readonly state: "pending" | "claimed";
  /** Six digits: the phone asks for them. */
  readonly matchCode?: string;
  /** What a QR code has to hold. It changes every 25 s; undefined while there is none. */
  readonly qrText?: string;
  /** To be typed at `verificationUri`. */
  readonly userCode?: string;
  readonly verificationUri?: string;
  readonly verificationUriComplete?: string;
  readonly expiresAt: Date;
};

export type Options = {
  /** Called at the start and whenever there is something else to show. What it throws ends the wait, and is thrown. */
  readonly onPrompt?: (prompt: Prompt) => void;
  readonly signal?: AbortSignal;
};

/** One request of ours: where it starts, with what, and how it is redeemed. */
export type Request = {
  readonly start: Endpoint;
  readonly form: Readonly<Record<string, string | undefined>>;
  readonly grantType: string;
  /** The member of the answer that polls, and the parameter that it goes into. */
  readonly handle: "device_code" | "auth_req_id";
};

export type Powers = { readonly settings: Settings; readonly caller: Caller; readonly discovery: Discovery };

/** How long the server keeps an approval for us, and repeats its answer (docs/oauth.md, Lifetimes). */
const COLLECT_WITHIN = 55_000;

const text = (body: Json, name: string): string | undefined =>
  typeof body[name] === "string" ? (body[name] as string) : undefined;

/** What has started, and by what it is polled. */
type Started = { readonly body: Json; readonly handle: string; readonly until: number };

/**
 * Starts, shows, waits, redeems. The start is sent once: a second one would ring the phone again. What comes after it is the same request
 * each time, so it is repeated until an answer comes through; the server gives the same tokens.
 */
export async function run(powers: Powers, request: Request, options: Options): Promise<Session> {
  const { settings, caller, discovery } = powers;
  const { signal } = options;
  const url = await discovery.endpoint(request.start, { signal });
  const body = await caller.post(url, request.form, { signal });
  const handle = tokenIn(body, request.handle);
  const until = endIn(body);
  if (handle === undefined || until === undefined) {
    throw new CountersignError("network", "The server's answer names no request");
  }
  const started: Started = { body, handle, until };
  // The handle is a secret: it goes to no other server.
  if (!isAt(settings.issuer, body.wait_uri)) return await poll(powers, request, options, started);
  const end = await waitForEnd(settings, waiting(powers, options, started));
  if (end !== "approved" && end !== "redeemed") {
    throw new CountersignError(end, WORDS[end], { data: { id: handle.split(".")[0] } });
  }
  return await redeem(powers, request, started, { signal, repeatUntil: Date.now() + COLLECT_WITHIN });
}

const WORDS = {
  denied: "The user declined",
  expired: "Nobody decided in time",
  cancelled: "The request was ended",
} as const;

function waiting({ settings }: Powers, { onPrompt, signal }: Options, { body, handle, until }: Started) {
  const show = shower(onPrompt, body, until);
  const id = handle.split(".")[0] ?? "";
  const socketUri = text(body, "socket_uri");
  // `ws` in the place of `http`, `wss` in that of `https`.
  const isOurs = isAt(settings.issuer.replace("http", "ws"), socketUri);
  // Without a number to compare there is no screen to scan: the code of a device is typed, or its link opened.
  const showsQr = onPrompt !== undefined && text(body, "match_code") !== undefined;
  return {
    waitUri: text(body, "wait_uri") ?? "",
    socketUri: isOurs ? socketUri : undefined,
    handle,
    until,
    signal,
    onState: (state: WaitState) => {
      if (state === "pending" || state === "claimed") show({ state });
    },
    onQr: showsQr
      ? (frame?: string) => show({ qrText: frame && `${settings.issuer}/phone#scan=${id}.${frame}` })
      : undefined,
  };
}

type Changed = { readonly state?: "pending" | "claimed"; readonly qrText?: string | undefined };

/** Tells what to show, at once and after each change of it. */
function shower(onPrompt: Options["onPrompt"], body: Json, until: number): (changed: Changed) => void {
  const verificationUriComplete = text(body, "verification_uri_complete");
  const given = {
    matchCode: text(body, "match_code"),
    userCode: text(body, "user_code"),
    verificationUri: text(body, "verification_uri"),
    verificationUriComplete,
    qrText: verificationUriComplete,
  };
  let prompt: Prompt = { state: "pending", ...defined(given), expiresAt: new Date(until) };
  onPrompt?.(prompt);
  return (changed) => {
    const now = defined({ ...prompt, ...changed }) as Prompt;
    if (now.state === prompt.state && now.qrText === prompt.qrText) return;
    prompt = now;
    onPrompt?.(prompt);
  };
}

async function redeem(
  { settings, caller, discovery }: Powers,
  { handle, grantType, form }: Request,
  started: Started,
  how: { readonly signal?: AbortSignal | undefined; readonly repeatUntil: number },
): Promise<Session> {
  const url = await discovery.endpoint("token_endpoint", how);
  const answer = await caller.post(url, { grant_type: grantType, [handle]: started.handle }, how);
  return readSession(answer, { ...settings, asked: form.scope ?? "" });
}

/** A server without our ways to wait is asked again and again, until it tells the end (RFC 8628 §3.5). */
async function poll(powers: Powers, request: Request, options: Options, started: Started): Promise<Session> {
  const { signal } = options;
  shower(options.onPrompt, started.body, started.until);
  let seconds = typeof started.body.interval === "number" ? Math.max(started.body.interval, 1) : 5;
  for (;;) {
    await pause(seconds * 1000, signal);
    try {
      return await redeem(powers, request, started, { signal, repeatUntil: started.until });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      if (error.error === "slow_down") seconds += 5;
      else if (error.error !== "authorization_pending") throw error;
    }
  }
}
