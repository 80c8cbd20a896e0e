import { isObject, textOf } from "./api.ts";

/** The socket of whoever waits. */
export type Waiter = {
  /** The state the first frame told. */
  readonly first: Promise<string>;
  /** The state of the last frame, and when it came (`performance.now()`). */
  readonly settled: Promise<{ readonly state: string; readonly at: number }>;
};

const WAIT_LIMIT_MS = 30_000;

/**
 * Opens the socket of a challenge. The handle travels as a sub-protocol, because a browser's socket can send no header and the URL
 * is no place for a secret.
 */
export function openWaiter(socketUri: string, handle: string): Waiter {
  const socket = new WebSocket(socketUri, ["countersign.v1", `countersign.handle.${handle}`]);
  const first = Promise.withResolvers<string>();
  const settled = Promise.withResolvers<{ state: string; at: number }>();
  // Either may fail while nobody is looking at it yet.
  for (const { promise } of [first, settled]) promise.catch(() => undefined);
  const fail = (why: string) => {
    first.reject(new Error(why));
    settled.reject(new Error(why));
  };
  const timer = setTimeout(() => fail("the socket said nothing in time"), WAIT_LIMIT_MS);
  socket.addEventListener("message", ({ data }) => {
    const frame: unknown = JSON.parse(String(data));
    if (!isObject(frame)) return fail("a frame is not an object");
    first.resolve(textOf(frame, "state"));
    if (frame.type === "settled") settled.resolve({ state: textOf(frame, "state"), at: performance.now() });
  });
  socket.addEventListener("error", () => fail("the socket failed"));
  socket.addEventListener("close", ({ code }) => {
    clearTimeout(timer);
    fail(`the socket closed with ${code} before it had said the end`);
  });
  return { first: first.promise, settled: settled.promise };
}
