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
  loginid: { requests: 3, objects: 12, d1Calls: 7, d1RowsWritten: 9, objectRows: 11, queue: 0 },
  authsignal: { requests: 5, objects: 9, d1Calls: 17, d1RowsWritten: 4, objectRows: 8, queue: 0 },
  ciba: { requests: 5, objects: 9, d1Calls: 6, d1RowsWritten: 3, objectRows: 8, queue: 0 },
} as const satisfies Readonly<Record<string, SignIn>>;

/** The end of a challenge's object, later: its alarm rings, it deletes all that it has, and takes its grant from D1's list. */
export const END = {
  grant: { requests: 0, objects: 1, d1Calls: 1, d1RowsWritten: 1, objectRows: 1, queue: 0 },
  none: { requests: 0, objects: 1, d1Calls: 0, d1RowsWritten: 0, objectRows: 1, queue: 0 },
} as const satisfies Readonly<Record<string, SignIn>>;

/** One try to hear the end, after the first. */
export const WAITING = {
  poll: { requests: 1, objects: 1, d1Calls: 0, d1RowsWritten: 0, objectRows: 0, queue: 0 },
  hold: { requests: 1, objects: 2, d1Calls: 0, d1RowsWritten: 0, objectRows: 0, queue: 0 },
} as const satisfies Readonly<Record<string, SignIn>>;

/** Calls to D1 and objects in a row before each answer, asserted exactly in `waits.test.ts`. */
export const WAITS = {
  cotter: {
    start: 2,
    "the socket opens": 1,
    "a poll that finds it pending": 1,
    "the device asks for prompts": 2,
    "the device answers": 3,
    "the poll that collects": 2,
    "the same poll again": 1,
    refresh: 2,
  },
  loginid: {
    "a backend asks for a code": 3,
    "a backend asks for one by a name": 4,
    "a backend approves it": 4,
    "the wait of an approved code": 4,
  },
  authsignal: {
    track: 2,
    "challenge/push": 3,
    "a poll that finds it pending": 1,
    "the device answers": 4,
    "the poll that collects": 3,
    validate: 1,
  },
  ciba: {
    start: 2,
    "a poll that finds it pending": 1,
    "the poll that collects": 2,
    "the same poll again": 1,
  },
  device: {
    start: 2,
    "a start that names its user": 2,
    "a poll that finds it pending": 1,
    "a page that looks for a code": 3,
    "the poll that collects": 2,
    refresh: 2,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;
