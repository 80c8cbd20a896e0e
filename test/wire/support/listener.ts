/** A waiter's socket: every frame it was sent, and how it ended. */
export type Listener = {
  readonly frames: readonly string[];
  readonly protocol: () => string;
  /** The last frame, once it says `settled`; rejects when the socket ends before. */
  readonly settled: Promise<Readonly<Record<string, unknown>>>;
  /** The code of the close: 1006 when the connection broke or never was. */
  readonly closed: Promise<number>;
  /** Resolves when that many frames have come; rejects when the socket ends before. */
  heard(count: number): Promise<readonly string[]>;
  send(text: string): void;
  close(): void;
};

/** Opens a socket as a browser page does: the handle among the sub-protocols. */
export function listen(uri: string, handle: string | number): Listener {
  const socket = new WebSocket(uri, ["countersign.v1", `countersign.handle.${handle}`]);
  const frames: string[] = [];
  const waiting = new Set<{ count: number; done: () => void; fail: (why: Error) => void }>();
  const closed = Promise.withResolvers<number>();
  const settled = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  settled.promise.catch(() => undefined);
  const settleWaiting = () => {
    for (const waiter of waiting) if (frames.length >= waiter.count) waiter.done();
  };
  socket.addEventListener("message", ({ data }) => {
    frames.push(String(data));
    const last: unknown = String(data).startsWith("{") ? JSON.parse(String(data)) : undefined;
    if (isSettled(last)) settled.resolve(last);
    settleWaiting();
  });
  const failAll = (why: string) => {
    const failure = new Error(`${why}, after ${JSON.stringify(frames)}`);
    settled.reject(failure);
    for (const waiter of waiting) waiter.fail(failure);
    waiting.clear();
  };
  // A close follows every error.
  socket.addEventListener("error", () => failAll("the socket failed"));
  socket.addEventListener("close", ({ code }) => {
    closed.resolve(code);
    failAll(`the socket closed with ${code}`);
  });
  return {
    frames,
    protocol: () => socket.protocol,
    settled: settled.promise,
    closed: closed.promise,
    heard(count) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
      if (frames.length >= count) resolve(frames);
      else waiting.add({ count, done: () => resolve(frames), fail: reject });
      return promise;
    },
    send: (text) => socket.send(text),
    close: () => socket.close(),
  };
}

const isSettled = (frame: unknown): frame is Readonly<Record<string, unknown>> =>
  typeof frame === "object" && frame !== null && "type" in frame && frame.type === "settled";
