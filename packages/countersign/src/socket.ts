import type {
  QrMessage,
  QrOverMessage,
  SettledMessage,
  WaitMessage,
  WaitState,
} from "../../protocol/src/waiting.ts";
import { onWake } from "./pause.ts";
import type { SocketMaker } from "./settings.ts";
import { isEnd, type Waiting } from "./waiting.ts";

type Heard = WaitMessage | SettledMessage;

const PING_EVERY = 20_000;
/** No word within this time: the socket is dead, though nobody said so (a laptop that slept, a proxy that forgot). */
const ANSWER_WITHIN = 8_000;
const QR_EVERY = 25_000;

/**
 * One socket, until it tells the end or is cut. Answers the last state it told, or undefined when it told none. Throws `aborted` only by
 * way of its caller: here an abort just closes it.
 */
export function listen(
  Socket: SocketMaker,
  { socketUri, handle, signal, onQr }: Waiting,
  note: (state: WaitState) => void,
): Promise<WaitState | undefined> {
  return new Promise((done) => {
    let last: WaitState | undefined;
    let socket: WebSocket;
    try {
      socket = new Socket(socketUri, ["countersign.v1", `countersign.handle.${handle}`]);
    } catch {
      done(undefined);
      return;
    }
    let deadline: ReturnType<typeof setTimeout> | undefined;
    const say = (text: string) => {
      if (socket.readyState !== 1) return;
      socket.send(text);
      expectWord();
    };
    const expectWord = () => {
      deadline ??= setTimeout(end, ANSWER_WITHIN);
    };
    const pings = setInterval(() => say("ping"), PING_EVERY);
    const codes = onQr ? setInterval(() => last === "pending" && say("qr"), QR_EVERY) : undefined;
    const stop = onWake(() => say("ping"));
    function end(): void {
      clearTimeout(deadline);
      clearInterval(pings);
      clearInterval(codes);
      stop();
      signal?.removeEventListener("abort", end);
      // A code is good only while its socket stands.
      onQr?.(undefined);
      try {
        socket.close(1000);
      } catch {}
      done(last);
    }
    expectWord();
    signal?.addEventListener("abort", end);
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
    socket.addEventListener("message", ({ data }: MessageEvent) => {
      clearTimeout(deadline);
      deadline = undefined;
      const heard = read(data);
      if (heard === undefined) return;
      if ("type" in heard && heard.type === "qr") return onQr?.(heard);
      if ("type" in heard && heard.type === "qr_over") return onQr?.(undefined);
      const isFirst = last === undefined;
      last = heard.state;
      note(last);
      if (isEnd(last)) end();
      else if (isFirst && onQr && last === "pending") say("qr");
    });
  });
}

/** A frame; undefined for `pong` and for what this version does not know. */
function read(data: unknown): Heard | QrMessage | QrOverMessage | undefined {
  if (typeof data !== "string" || !data.startsWith("{")) return undefined;
  try {
    const heard = JSON.parse(data) as Heard | QrMessage | QrOverMessage;
    const isKnown = "state" in heard || heard.type === "qr" || heard.type === "qr_over";
    return isKnown ? heard : undefined;
  } catch {
    return undefined;
  }
}
