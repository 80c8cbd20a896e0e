import type { RedeemOrder } from "../core/challenge/command.ts";
import type { ScanFrame } from "../core/challenge/scan-frame.ts";
import { isSettled, type WaitView } from "../core/challenge/view.ts";
import { CROWDED, DONE, framesOf } from "./frames.ts";

/** Path of an upgrade whose waiter shares the challenge with no other of its kind. */
export const ALONE = "/alone";

/** Header in which a Worker leaves its standing order with an upgrade; no request from outside gets as far as the object. */
export const ORDER = "X-Redeem-Order";

/** What is kept with a socket while its object sleeps. */
type Attachment = {
  readonly seat: number;
  readonly order?: RedeemOrder;
  /** What its screen shows as a QR code, once it has asked for one. */
  readonly frame?: ScanFrame;
};

/** Where a waiter of a challenge sits: beside fifteen others, or alone. */
export const seatsOf = (request: Request): { readonly tag: string; readonly cap: number } =>
  new URL(request.url).pathname === ALONE ? { tag: "alone", cap: 1 } : { tag: "waiter", cap: 16 };

/** Accepts a hibernating socket: at most `cap` of its tag are kept, the newest wins. `answer` is the 101. */
export function admit(
  ctx: DurableObjectState,
  request: Request,
  options: { readonly tag: string; readonly cap: number },
): { readonly answer: Response; readonly socket: WebSocket } {
  const others = openSockets(ctx, options.tag);
  const crowd = others.length - (options.cap - 1);
  for (const oldest of others.slice(0, Math.max(0, crowd))) hangUp(oldest, CROWDED, "newer waiters came");
  const { 0: client, 1: socket } = new WebSocketPair();
  ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  ctx.acceptWebSocket(socket, [options.tag]);
  const order = request.headers.get(ORDER);
  attach(socket, {
    seat: Math.max(0, ...others.map(seat)) + 1,
    ...(order === null ? {} : { order: JSON.parse(order) as RedeemOrder }),
  });
  const protocol = request.headers.get("Sec-WebSocket-Protocol");
  const headers: HeadersInit = protocol === null ? {} : { "Sec-WebSocket-Protocol": protocol };
  return { answer: new Response(null, { status: 101, webSocket: client, headers }), socket };
}

/** Open sockets of a tag, the oldest first; the attachment that orders them survives hibernation. */
export const openSockets = (ctx: DurableObjectState, tag?: string): readonly WebSocket[] =>
  ctx
    .getWebSockets(tag)
    .filter((socket) => socket.readyState === WebSocket.OPEN)
    .toSorted((a, b) => seat(a) - seat(b));

/** What goes with a socket; of 2 KiB at most. */
export const attached = (socket: WebSocket): Attachment =>
  (socket.deserializeAttachment() as Attachment | null) ?? { seat: 0 };

export const attach = (socket: WebSocket, attachment: Attachment): void =>
  socket.serializeAttachment(attachment);

const seat = (socket: WebSocket): number => attached(socket).seat;

/** The standing order that was left with a socket: one or none. */
export function orderAt(socket: WebSocket): { readonly socket: WebSocket; readonly order: RedeemOrder }[] {
  const { order } = attached(socket);
  return order ? [{ socket, order }] : [];
}

/** Tells waiters how their challenge stands; a settled one is the last thing they hear. */
export function tellWaiters(sockets: readonly WebSocket[], view: WaitView): void {
  const frames = framesOf(view);
  for (const socket of sockets) {
    tell(socket, frames);
    if (isSettled(view.state)) hangUp(socket, DONE, "settled");
  }
}

/** Sends to one socket. A dead one throws: its owner reads the state again when it comes back. */
export function tell(socket: WebSocket, frames: readonly string[]): void {
  try {
    for (const frame of frames) socket.send(frame);
  } catch {
    // The commit stands; nobody is there to be told.
  }
}

/** Closes one socket; one that is closing already stays as it is. */
export function hangUp(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // Closed from the other side meanwhile.
  }
}

/** Codes that no frame may carry (RFC 6455 §7.4.1): no code at all, a broken line, a failed handshake of TLS. */
const UNSENDABLE = new Set([1004, 1005, 1006, 1015]);

/** Answers a client's close (RFC 6455 §5.5.1). A hibernating socket is not answered by the platform: its client would wait ten seconds for it. */
export const answerClose = (socket: WebSocket, code: number): void =>
  hangUp(socket, UNSENDABLE.has(code) ? DONE : code, "");
