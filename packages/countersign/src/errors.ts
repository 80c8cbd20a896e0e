/**
 * What can go wrong, by `code`. Codes are stable; messages are for people and may change.
 *
 * | code | when |
 * |---|---|
 * | `invalid_argument` | refused before anything was sent: a bad issuer, a missing audience |
 * | `denied` | the user said no, or is locked |
 * | `expired` | nobody decided in time |
 * | `cancelled` | the request was ended by the server or by a newer one |
 * | `aborted` | your `AbortSignal` fired |
 * | `network` | no answer came, or none that can be read; safe to begin again |
 * | `unavailable` | the server cannot answer now, or too much was asked: see `retryAfter` |
 * | `session_over` | the refresh token is no longer good: sign in again |
 * | `refused` | the server refused: see `error` and `description` |
 * | `invalid_token` | a token does not hold: see `reason` |
 * | `not_signed` | on a phone: its person or its key did not sign; nothing was sent |
 */
export type ErrorCode =
  | "invalid_argument"
  | "denied"
  | "expired"
  | "cancelled"
  | "aborted"
  | "network"
  | "unavailable"
  | "session_over"
  | "refused"
  | "invalid_token"
  | "not_signed";

export type ErrorDetail = {
  /** HTTP status of the server's refusal. */
  readonly status?: number;
  /** The server's own error code, such as `invalid_client` (RFC 6749 §5.2). */
  readonly error?: string;
  /** The server's words, for a log. */
  readonly description?: string;
  /** Seconds to wait, as the server asks. */
  readonly retryAfter?: number;
  /** Why a token was not taken, such as `audience`. */
  readonly reason?: string;
  /** What else the refusal says, such as `left` or `until`, as the server names it. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

/** Every failure of this library. Go by `code`. Never holds a token. */
export class CountersignError extends Error {
  override readonly name = "CountersignError";
  declare readonly code: ErrorCode;
  declare readonly status: number | undefined;
  declare readonly error: string | undefined;
  declare readonly description: string | undefined;
  declare readonly retryAfter: number | undefined;
  declare readonly reason: string | undefined;
  declare readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    const { cause, ...rest } = detail;
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, { data: {}, ...rest, code });
  }
}

export const isCountersignError = (error: unknown): error is CountersignError =>
  error instanceof CountersignError;
