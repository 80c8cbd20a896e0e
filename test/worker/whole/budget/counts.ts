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

/** Calls to D1 and objects in a row before each answer, by door, asserted exactly in the `waits` tests beside this file. */
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
  "cotter, devices": {
    "a sign-up": 2,
    "its first device, with tokens": 7,
    "a device signs itself in": 4,
    "a device enrols another": 6,
  },
  hosted: {
    "the page opens": 0,
    "an address is given": 4,
    "the code page opens": 1,
    "the code is typed": 5,
    "the exchange": 6,
    "a link is asked for": 4,
    "the link opens": 1,
    "the link is pressed": 5,
    "the page that waited": 1,
  },
  loginid: {
    "a backend asks for a code": 3,
    "a backend asks for one by a name": 4,
    "a backend approves it": 4,
    "the wait of an approved code": 4,
  },
  "loginid, passkeys": {
    "a code that is approved from birth": 4,
    "a passkey begins with a code": 5,
    "a passkey is made": 9,
    "a passkey begins by the backend's word": 7,
    "a passkey asks for a code": 2,
    "a passkey has signed for it": 10,
  },
  authsignal: {
    track: 2,
    "challenge/push": 3,
    "a poll that finds it pending": 1,
    "the device asks what is pending": 4,
    "the device answers": 4,
    "the poll that collects": 3,
    validate: 1,
  },
  "authsignal, phones": {
    "a key is enrolled": 5,
    "a QR code": 2,
    "a poll that finds it pending": 1,
    "a device claims the QR code": 5,
    "the device answers": 4,
    "the poll that collects": 3,
    "a verification in the app begins": 0,
    "a device signs it": 7,
  },
  "authsignal, codes": {
    "track of somebody new": 3,
    "a code for an enrolment": 9,
    "the code enrols": 14,
    "a code for an action": 8,
    "the code meets the action": 9,
    "a backend's code": 9,
    "a backend verifies it": 9,
    "a backend claims it": 10,
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
  oauth: {
    "a request is pushed": 0,
    "the sign-in page opens": 0,
    "an address is given": 4,
    "the code page opens": 1,
    "the code is typed": 9,
    "the browser is led back": 6,
    "a browser that is signed in": 5,
    "the token call": 4,
    refresh: 2,
    userinfo: 2,
    "introspection of an access token": 1,
    "introspection of a refresh token": 1,
    revocation: 4,
  },
  "oauth, pages": {
    "the consent page opens": 2,
    "consent is given": 7,
    "a passkey signs in": 8,
    "a phone is asked": 3,
    "the waiting screen opens": 1,
    "the browser comes back from the phone": 5,
    "the browser is led back": 6,
  },
  "approver, a key": {
    "a ticket is used": 1,
    "the phone is enrolled": 4,
    "a session opens": 2,
    "the list": 2,
    "how a request stands": 2,
    "an approval with its number": 5,
    "a denial": 4,
  },
  "approver, a passkey": {
    "a ticket is used": 1,
    "the phone is enrolled": 4,
    "a session opens": 3,
    "the list": 2,
    "how a request stands": 2,
    "an approval with its number": 6,
    "a denial": 5,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;
