/**
 * What one sign-in takes, by door: asserted exactly in `sign-ins.test.ts`, priced in docs/cost.md by `scripts/cost.ts`. A change of a number
 * here is a decision.
 */
export type SignIn = {
  /** Requests to the Worker, with the one that opens the wait. */
  readonly requests: number;
  /** Requests to objects. */
  readonly objects: number;
  readonly d1Calls: number;
  readonly d1RowsWritten: number;
  /** Writes and alarms of objects: each is billed as a row. */
  readonly objectRows: number;
  /** Messages to the queue. */
  readonly queue: number;
};

export const SIGN_INS = {
  cotter: { requests: 5, objects: 9, d1Calls: 4, d1RowsWritten: 3, objectRows: 8, queue: 0 },
  loginid: { requests: 3, objects: 13, d1Calls: 8, d1RowsWritten: 9, objectRows: 11, queue: 0 },
  authsignal: { requests: 5, objects: 9, d1Calls: 21, d1RowsWritten: 4, objectRows: 8, queue: 0 },
  ciba: { requests: 5, objects: 9, d1Calls: 6, d1RowsWritten: 3, objectRows: 8, queue: 0 },
} as const satisfies Readonly<Record<string, SignIn>>;

/** The end of a challenge's object, later: its alarm rings, it deletes all that it has, and a grant's row goes by the queue. */
export const END = {
  grant: { requests: 1, objects: 1, d1Calls: 1, d1RowsWritten: 1, objectRows: 1, queue: 1 },
  none: { requests: 0, objects: 1, d1Calls: 0, d1RowsWritten: 0, objectRows: 1, queue: 0 },
} as const satisfies Readonly<Record<string, SignIn>>;

/** One try to hear the end, after the first. */
export const WAITING = {
  poll: { requests: 1, objects: 1, d1Calls: 0, d1RowsWritten: 0, objectRows: 0, queue: 0 },
  hold: { requests: 1, objects: 2, d1Calls: 0, d1RowsWritten: 0, objectRows: 0, queue: 0 },
} as const satisfies Readonly<Record<string, SignIn>>;
