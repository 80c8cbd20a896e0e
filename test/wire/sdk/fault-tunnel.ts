import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { SocketFault } from "./fault-proxy.ts";

type Tunnel = {
  readonly asked: IncomingMessage;
  readonly socket: Socket;
  readonly port: number;
  readonly fault: SocketFault | undefined;
  /** Resolves when bytes may pass. */
  passed(): Promise<void>;
  /** A text frame is on its way to the client. */
  onFrame(): void;
};

const TEXT = 0x1;

/** Frames of a server, which masks none (RFC 6455 §5.2), and what is left of the last one. */
function split(bytes: Buffer): { readonly frames: readonly Buffer[]; readonly rest: Buffer } {
  const frames: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const short = (rest[1] ?? 0) & 0x7f;
    const head = short === 126 ? 4 : 2;
    if (rest.length < head) return { frames, rest };
    const length = head + (short === 126 ? rest.readUInt16BE(2) : short);
    if (rest.length < length) return { frames, rest };
    frames.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
}

const isText = (frame: Buffer): boolean => ((frame[0] ?? 0) & 0xf) === TEXT;
/** It tells the end: the state, and once more as the last word. */
const isLast = (frame: Buffer): boolean =>
  isText(frame) && /"state":"(?!pending|claimed)/.test(frame.toString("utf8"));

/** Joins a client's socket and the server's, and does to it what the fault says. */
export function tunnel({ asked, socket, port, fault, passed, onFrame }: Tunnel): void {
  const server = connect(port, "127.0.0.1");
  // Frames are read here, so they must not be packed.
  const headers = Object.entries(asked.headers).filter(([name]) => name !== "sec-websocket-extensions");
  const lines = headers.map(([name, text]) => `${name}: ${text}`);
  server.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const cut = () => {
    socket.destroy();
    server.destroy();
  };
  for (const one of [socket, server]) one.on("error", cut);
  socket.on("close", () => server.destroy());

  let isOpen = false;
  let isSilent = false;
  let held: Buffer = Buffer.alloc(0);
  const pass = (frame: Buffer) => {
    if (isSilent || !socket.writable) return;
    if (fault === "last frame" && isLast(frame)) return cut();
    if (fault === "swallow" && isLast(frame)) {
      isSilent = true;
      return;
    }
    if (isText(frame)) onFrame();
    if (fault !== "first frame" || !isText(frame)) return void socket.write(frame);
    // An end and no reset: what is reset may take the frame with it.
    socket.end(frame);
    server.destroy();
  };
  const take = (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    if (!isOpen) {
      const end = held.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.write(held.subarray(0, end + 4));
      held = held.subarray(end + 4);
      isOpen = true;
      isSilent = fault === "mute";
    }
    const { frames, rest } = split(held);
    held = rest;
    for (const frame of frames) pass(frame);
  };
  // One after the other, so that what was held by a sleep keeps its order.
  let turn = Promise.resolve();
  const after = (work: () => void) => {
    turn = turn.then(passed).then(work);
  };
  server.on("data", (bytes: Buffer) => after(() => take(bytes)));
  server.on("close", () => after(() => isSilent || socket.end()));
  socket.on("data", (bytes: Buffer) => void passed().then(() => isSilent || server.write(bytes)));
}
