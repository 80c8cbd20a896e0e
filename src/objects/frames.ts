import type { QrMessage, QrOverMessage, SettledMessage, WaitMessage } from "@countersign/protocol/waiting";
import { FRAME_LIFETIME, type ScanFrame } from "../core/challenge/scan-frame.ts";
import { isSettled, type WaitView } from "../core/challenge/view.ts";
import type { Applied } from "../core/ports/challenges.ts";

/** The close of a socket whose challenge is settled (RFC 6455 §7.4.1). */
export const DONE = 1000;
/** The close of a socket that made room for a newer one: try again later. */
export const CROWDED = 1013;
/** The close of a socket whose owner may not listen any more: policy violation. */
export const NOT_WELCOME = 1008;

/** What a wait says: `{id, state, expires_at}` with an ISO 8601 time. Never a token, never a user (docs/waiting.md). */
const wire = ({ id, state, expiresAt }: WaitView): WaitMessage => ({
  id,
  state,
  expires_at: new Date(expiresAt).toISOString(),
});

/** The frames that tell a view: itself, and once it is settled `{"type":"settled", ...}` as the last word. */
export function framesOf(view: WaitView): readonly string[] {
  const frame = JSON.stringify(wire(view));
  const settled: SettledMessage = { type: "settled", ...wire(view) };
  return isSettled(view.state) ? [frame, JSON.stringify(settled)] : [frame];
}

/** For the Worker that left an order with its wait, and for nobody else: what the redemption answered. */
export const redeemedFrame = (redeemed: Applied): string => JSON.stringify({ type: "redeemed", redeemed });

/** What a waiting screen may send: it asks for the value of its QR code (docs/waiting.md). */
export const ASKS_QR = "qr";

/** The value that a waiting screen shows as a QR code, and until when. */
export const qrFrame = ({ value, drawnAt }: ScanFrame): string =>
  JSON.stringify({
    type: "qr",
    frame: value,
    until: new Date(drawnAt + FRAME_LIFETIME).toISOString(),
  } satisfies QrMessage);

/** Tells a screen that its value is good no more, because another one has a newer. */
export const QR_OVER = JSON.stringify({ type: "qr_over" } satisfies QrOverMessage);

/** Reads that of a redemption back; undefined: another one. */
export function readRedeemed(data: unknown): Applied | undefined {
  if (typeof data !== "string" || !data.startsWith('{"type":"redeemed"')) return undefined;
  return (JSON.parse(data) as { redeemed: Applied }).redeemed;
}

/** Reads a frame back on the Worker's side; undefined: not one of ours. */
export function readFrame(data: unknown): WaitView | undefined {
  if (typeof data !== "string" || !data.startsWith("{")) return undefined;
  const { id, state, expires_at } = JSON.parse(data) as WaitMessage & Pick<WaitView, "id">;
  return { id, state, expiresAt: Date.parse(expires_at) };
}
