/**
 * What a caller brings that a stranger does not have: a client's secret, service token or action token; the signature of a trusted
 * device; the cookie of a browser that has proven this very address before; or nothing.
 */
export type Brought = "nothing" | "browser" | "device" | "secret";

/** Who asks, as the limits see it. */
export type Caller = {
  readonly brought: Brought;
  /** Keyed name of the caller's address; absent when it is unknown, or when limits for an address are off. */
  readonly network?: string;
};

/** A caller without a name is one of a version that kept none: nothing is known to have been brought. */
export const isStranger = (caller: Caller | undefined): boolean =>
  caller === undefined || caller.brought === "nothing";
