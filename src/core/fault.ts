/**
 * A part that the service stands on cannot be used now (D1, an object, a queue). Answered 503 with `Retry-After`.
 * Thrown, never returned: an outage is nobody's expected "no".
 */
export class Outage extends Error {
  override readonly name = "Outage";
  /** Seconds after which the caller may try again. */
  readonly retryAfter: number;

  constructor(what: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(what, { cause: options.cause });
    this.retryAfter = options.retryAfter ?? 2;
  }
}
