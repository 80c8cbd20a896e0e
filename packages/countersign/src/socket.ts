import type { WaitState } from "../../protocol/src/waiting.ts";
import { onWake } from "./pause.ts";
import type { Settings } from "./settings.ts";
import { isEnd, isState, type Waiting } from "./waiting.ts";

const QR_EVERY = 25_000;

/**
 * One socket, until it tells the end or is cut. Answers the last state it told, or undefined when it told none. Throws what `onState` and
 * `onQr` throw. An abort just closes it.
 */
export function listen(
  { WebSocket: Socket, waits }: Settings,
  { socketUri, handle, signal, onQr }: Waiting,
  note: (state: WaitState) => void,
): Promise<WaitState | undefined> {
  return new Promise((done, fail) => {
    let last: WaitState | undefined;
    let socket: WebSocket;
    try {
      if (!Socket || !socketUri) throw new TypeError("no socket");
      socket = new Socket(socketUri, ["countersign.v1", `countersign.handle.${handle}`]);
    } catch {
      done(undefined);
      return;
    }
    let deadline: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const say = (text: string) => {
      if (socket.readyState !== 1) return;
      socket.send(text);
      expectWord();
    };
    const expectWord = () => {
      deadline ??= setTimeout(end, waits.silence);
    };
    const pings = setInterval(() => say("ping"), waits.ping);
    const codes = onQr ? setInterval(() => last === "pending" && say("qr"), QR_EVERY) : undefined;
    const stop = onWake(() => say("ping"));
    /** What is thrown out of an event's listener ends a whole process: it goes to who waits. */
    const guarded = (work: () => void) => {
      try {
        work();
      } catch (error) {
        fail(error);
        end();
      }
    };
    function end(): void {
      if (isOver) return;
      isOver = true;
      clearTimeout(deadline);
      clearInterval(pings);
      clearInterval(codes);
      stop();
      signal?.removeEventListener("abort", end);
      try {
        socket.close(1000);
      } catch {}
      // A code is good only while its socket stands.
      if (!signal?.aborted && !(last && isEnd(last))) guarded(() => onQr?.(undefined));
      done(last);
    }
    const hear = (data: unknown) => {
      clearTimeout(deadline);
      deadline = undefined;
      const { type, state, frame } = read(data);
      if (type === "qr" && typeof frame === "string") onQr?.(frame);
      else if (type === "qr_over") onQr?.(undefined);
      if (!isState(state)) return;
      const isFirst = last === undefined;
      last = state;
      note(last);
      if (isEnd(last)) end();
      else if (isFirst && onQr && last === "pending") say("qr");
    };
    expectWord();
    signal?.addEventListener("abort", end);
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
    socket.addEventListener("message", ({ data }: MessageEvent) => guarded(() => isOver || hear(data)));
  });
}

/** The members of a frame; none for `pong` and for what cannot be read. */
function read(data: unknown): Readonly<Record<string, unknown>> {
  try {
    const heard: unknown = JSON.parse(String(data));
    return typeof heard === "object" && heard !== null ? (heard as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
