import { Outage } from "../core/fault.ts";

/** The methods of an object as its stub offers them; the platform's own type does not get through recursive JSON. */
export type Remote<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never;
};

/** Runs with a fresh stub, and with another one after a failure that the platform calls retryable. */
type Attempt<Stub, T> = (stub: Stub, again: boolean) => Promise<T>;

/**
 * One call to an object. A broken stub stays broken, so each attempt makes its own. `overloaded` is never retried, `retryable` once;
 * whatever is thrown in the end is an Outage (settled question 36): an object refuses with values.
 */
export async function callObject<Stub, T>(makeStub: () => Stub, attempt: Attempt<Stub, T>): Promise<T> {
  try {
    return await attempt(makeStub(), false);
  } catch (cause) {
    if (!mayRetry(cause)) throw new Outage("an object did not answer", { cause });
  }
  try {
    return await attempt(makeStub(), true);
  } catch (cause) {
    throw new Outage("an object did not answer twice", { cause });
  }
}

function mayRetry(cause: unknown): boolean {
  if (typeof cause !== "object" || cause === null) return false;
  const { retryable, overloaded } = cause as { retryable?: unknown; overloaded?: unknown };
  return retryable === true && overloaded !== true;
}
