import type { QrMessage, WaitState } from "../../protocol/src/waiting.ts";

/** How a request ended. */
export type End = Exclude<WaitState, "pending" | "claimed">;

export const isEnd = (state: WaitState): state is End => state !== "pending" && state !== "claimed";

export type Waiting = {
  readonly waitUri: string;
  readonly socketUri: string;
  /** The secret of who waits: `auth_req_id`, `device_code`. */
  readonly handle: string;
  /** By this machine's clock, in ms. */
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with each state that it has not told yet. */
  onState(state: WaitState): void;
  /** Wants the screen's QR code: called with each new value, and with undefined when the last one is over. */
  readonly onQr?: ((frame: QrMessage | undefined) => void) | undefined;
};
