/** One who waits for a Cotter sign-in, by socket or by long-poll, for as long as it takes. */
import type { Http } from "../load/http.ts";
import { type Person, startCotter } from "./cotter.ts";

export type Way = "socket" | "long-poll";

export type Waiter = {
  readonly person: Person;
  readonly id: string;
  /** When it heard of the approval, on `performance.now()`'s clock. */
  readonly told: Promise<number>;
};

/** The longest that a wait may be held for; whoever is told that it still pends asks again. */
const HOLD_SECONDS = 120;

/** Resolves once it waits: a socket has had its first frame; a poll has been sent, over a connection of its own of `holds`. */
export async function startWaiter(
  http: Http,
  holds: Http,
  headers: Readonly<Record<string, string>>,
  person: Person,
  way: Way,
): Promise<Waiter> {
  const event = await startCotter(http, headers, person.userId);
  const id = String(event.ID);
  if (way === "socket") {
    const { first, told } = bySocket(event.socket_uri, id);
    await first;
    return { person, id, told };
  }
  const told = byPoll(holds, event.wait_uri, id);
  told.catch(() => undefined);
  return { person, id, told };
}

function bySocket(
  uri: string,
  id: string,
): { readonly first: Promise<void>; readonly told: Promise<number> } {
  const socket = new WebSocket(uri, ["countersign.v1", `countersign.handle.${id}`]);
  const first = Promise.withResolvers<void>();
  const told = Promise.withResolvers<number>();
  // Nobody looks at it until the approval is sent.
  told.promise.catch(() => undefined);
  socket.addEventListener("message", ({ data }) => {
    const { state } = JSON.parse(String(data));
    first.resolve();
    if (state === "approved") told.resolve(performance.now());
  });
  socket.addEventListener("close", ({ code }) => {
    const error = new Error(`the socket closed with ${code}`);
    first.reject(error);
    told.reject(error);
  });
  return { first: first.promise, told: told.promise };
}

async function byPoll(holds: Http, uri: string, id: string): Promise<number> {
  const url = new URL(uri);
  url.searchParams.set("timeout", String(HOLD_SECONDS));
  for (;;) {
    const { body } = await holds.read(url.pathname + url.search, 200, {
      headers: { authorization: `Bearer ${id}` },
    });
    if (body.state === "approved") return performance.now();
    if (body.state !== "pending") throw new Error(`the held poll heard ${body.state}`);
  }
}
