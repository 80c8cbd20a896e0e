import { recordedFetch, recordedSocket } from "./record.ts";
import { note, type Who } from "./timeline.ts";

export type Json = { readonly [name: string]: unknown };
export type Answer = { readonly status: number; readonly body: Json };

/** An answer that is not what the demo can go on with; its text is the server's own. */
export class Refused extends Error {
  readonly status: number;
  constructor({ status, body }: Answer) {
    super(String(body.error_description ?? body.detail ?? body.error ?? status));
    this.status = status;
  }
}

const real = window.fetch.bind(window);

/** Calls the server as one of the actors, and writes it down. */
async function call(who: Who, path: string, init: RequestInit): Promise<Answer> {
  const answer = await recordedFetch((told) => note(who, told), real)(path, init);
  const text = await answer.text();
  const body: Json = /\bjson\b/.test(answer.headers.get("Content-Type") ?? "") ? JSON.parse(text) : {};
  return { status: answer.status, body };
}

async function good(answering: Promise<Answer>): Promise<Json> {
  const answer = await answering;
  if (answer.status >= 400) throw new Refused(answer);
  return answer.body;
}

/** The operator's call. */
export const operate = (token: string, method: string, path: string, json?: Json): Promise<Json> =>
  good(
    call("operator", path, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(json === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    }),
  );

export type Client = { readonly id: string; readonly secret: string };

/** A form that the app's backend posts, with its secret (RFC 6749 §2.3.1). */
export const post = (
  who: Who,
  { id, secret }: Client,
  url: string,
  form: Record<string, string>,
): Promise<Json> =>
  good(
    call(who, url, {
      method: "POST",
      headers: { Authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}` },
      body: new URLSearchParams(form),
    }),
  );

export const get = (who: Who, url: string): Promise<Json> => good(call(who, url, {}));

/** The socket on which a waiter hears (docs/waiting.md). */
export const wait = (who: Who, url: string, handle: string): WebSocket =>
  new (recordedSocket((told) => note(who, told), WebSocket))(url, [
    "countersign.v1",
    `countersign.handle.${handle}`,
  ]);
