import type { WaitState } from "../../protocol/src/waiting.ts";

/** How a request ended. */
export type End = Exclude<WaitState, "pending" | "claimed">;

const STATES = ["pending", "claimed", "approved", "denied", "redeemed", "cancelled", "expired"];

export const isState = (told: unknown): told is WaitState => STATES.includes(told as string);

export const isEnd = (state: WaitState): state is End => state !== "pending" && state !== "claimed";

export type Waiting = {
  readonly waitUri: string;
  /** None: wait by long-poll alone. */
  readonly socketUri: string | undefined;
  /** The secret of who waits: `auth_req_id`, `device_code`. */
  readonly handle: string;
  /** By this machine's clock, in ms. */
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with each state that it has not told yet. */
  onState(state: WaitState): void;
  /** Wants the screen's QR code: called with each new frame, and with undefined when the last one is over. */
  readonly onQr?: ((frame: string | undefined) => void) | undefined;
};
