import {
  FRAME_ASKS,
  isFrameFresh,
  isFrameLive,
  isFrameValue,
  type ScanFrame,
} from "../core/challenge/scan-frame.ts";
import type { Instant } from "../core/time.ts";
import { NOT_WELCOME, QR_OVER, qrFrame } from "./frames.ts";
import { attach, attached, hangUp, openSockets, tell } from "./sockets.ts";

const VALUE_BYTES = 16;

const drawValue = (): string =>
  crypto.getRandomValues(new Uint8Array(VALUE_BYTES)).toBase64({ alphabet: "base64url", omitPadding: true });

/**
 * Gives a waiting screen its QR code's value: a new one, or the same while that is young. A challenge has one live value, so a new one ends
 * that of every other screen, which is told. Nothing is stored: the value goes with the socket.
 */
export function giveFrame(ctx: DurableObjectState, socket: WebSocket, now: Instant): void {
  const { frame } = attached(socket);
  if (frame && isFrameFresh(frame, now)) repeat(socket, frame);
  else draw(ctx, socket, now);
}

function draw(ctx: DurableObjectState, socket: WebSocket, now: Instant): void {
  for (const other of openSockets(ctx)) if (other !== socket) endFrame(other);
  show(socket, { value: drawValue(), drawnAt: now, asks: 1 });
}

/** A value that a newer screen has ended is not told again. */
function repeat(socket: WebSocket, frame: ScanFrame): void {
  const asked = { ...frame, asks: frame.asks + 1 };
  if (asked.asks > FRAME_ASKS) hangUp(socket, NOT_WELCOME, "asked too often");
  else if (asked.ended) attach(socket, { ...attached(socket), frame: asked });
  else show(socket, asked);
}

function show(socket: WebSocket, frame: ScanFrame): void {
  attach(socket, { ...attached(socket), frame });
  tell(socket, [qrFrame(frame)]);
}

function endFrame(socket: WebSocket): void {
  const { frame, ...rest } = attached(socket);
  if (!frame || frame.ended) return;
  attach(socket, { ...rest, frame: { ...frame, ended: true } });
  tell(socket, [QR_OVER]);
}

/** Whether this is the value that an open screen shows, compared in constant time. */
export const isShown = (ctx: DurableObjectState, value: string, now: Instant): boolean =>
  isFrameValue(value) &&
  openSockets(ctx).some((socket) => {
    const { frame } = attached(socket);
    return frame !== undefined && isFrameLive(frame, now) && isSame(frame.value, value);
  });

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Both are of one length, without which the comparison throws. */
const isSame = (known: string, given: string): boolean =>
  crypto.subtle.timingSafeEqual(bytes(known), bytes(given));
