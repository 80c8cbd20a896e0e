/** The states of a challenge, as a waiter hears of them. `pending` and `claimed` are the ones that go on. */
export type WaitState = "pending" | "claimed" | "approved" | "denied" | "redeemed" | "cancelled" | "expired";

/** What `GET {wait_uri}` answers, and each text frame of `{socket_uri}` holds. Never a token, never a user. */
export type WaitMessage = {
  readonly id: string;
  readonly state: WaitState;
  /** ISO 8601. */
  readonly expires_at: string;
};

/** The last frame of a socket, before it closes with 1000. */
export type SettledMessage = { readonly type: "settled" } & WaitMessage;

/** What a socket that sends `qr` is answered while its challenge is pending: what its screen shows as a QR code, and until when. */
export type QrMessage = { readonly type: "qr"; readonly frame: string; readonly until: string };

/** Another socket of the challenge has been given a newer one. */
export type QrOverMessage = { readonly type: "qr_over" };

/** Sub-protocols that a browser's socket offers: this one, and the handle behind this prefix. */
export type WaitProtocol = "countersign.v1";
export type WaitHandleProtocol = `countersign.handle.${string}`;
