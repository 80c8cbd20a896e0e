/** What can happen to a sign-in on its way, and what has to come of it. The same in every runtime. */
import type { Rule } from "./fault-proxy.ts";
import type { Order } from "./program.ts";

/** A moment of the wait: the first prompt, somebody waits at the server, a socket told its first frame, two of them did. */
export type Moment = "prompt" | "waiting" | "frame" | "two frames";

export type Scenario = {
  readonly name: string;
  readonly order: Partial<Order> & Pick<Order, "acts">;
  readonly faults?: readonly Rule[];
  /** What the user does, and when. Default: approves at the first prompt. */
  readonly user?: { readonly does: "approve" | "decline" | "scan" | "nothing"; readonly at?: Moment };
  /** The laptop sleeps from this moment until the user has answered. */
  readonly sleepsAt?: Moment;
  /** It sleeps on until the library has begun another socket. */
  readonly wakesLate?: boolean;
  /** When the caller's signal fires. */
  readonly abortAt?: Moment | "redeem";
  /** Its error's code; default: a session. */
  readonly fails?: string;
  /** What else is in the error. */
  readonly error?: object;
  /** Default: one each. */
  readonly grants?: number;
  readonly starts?: number;
  /** Refreshes that changed the token, as the server answered them. */
  readonly generations?: number;
  /** Requests that reached the server: at least so many. */
  readonly atLeast?: Readonly<Record<string, number>>;
  readonly atMost?: Readonly<Record<string, number>>;
  readonly only?: readonly string[];
};

/** Short, so that a fault that says nothing is noticed soon. */
const SOON = { attempt: 800, again: 30 };
const NERVOUS = { ...SOON, ping: 400, silence: 500 };
/** For a caller that gives up. */
const BRIEF = { ...SOON, attempt: 400, repeat: 1_200 };

const signIn = (over: Partial<Order> = {}): Scenario["order"] => ({ acts: ["signIn"], waits: SOON, ...over });
const thenRefresh = (over: Partial<Order> = {}): Scenario["order"] =>
  signIn({ acts: ["signIn", "refresh"], ...over });

const STARTS: readonly Scenario[] = [
  { name: "nothing happens to it", order: signIn() },
  { name: "nothing happens to it, by a scan", order: signIn(), user: { does: "scan" } },
  { name: "nothing happens to it, bound to a key", order: thenRefresh({ dpop: true }), generations: 1 },
  {
    name: "the metadata is cut, lost and refused",
    order: signIn(),
    faults: [
      { on: "discovery", do: "refuse" },
      { on: "discovery", do: "cut" },
      { on: "discovery", do: "lose" },
    ],
  },
  {
    name: "the start never reaches the server",
    order: signIn(),
    // A browser tries again by itself where a connection ends without a word.
    faults: [{ on: "start", do: "refuse", times: Number.POSITIVE_INFINITY }],
    user: { does: "nothing" },
    fails: "network",
    starts: 0,
    grants: 0,
  },
  {
    name: "the start's answer is cut: it is not sent again",
    order: signIn(),
    faults: [{ on: "start", do: "cut" }],
    user: { does: "nothing" },
    fails: "network",
    grants: 0,
  },
  {
    name: "the start's answer is lost: it is not sent again",
    order: signIn(),
    faults: [{ on: "start", do: "lose" }],
    user: { does: "nothing" },
    fails: "network",
    grants: 0,
    only: ["Node", "workerd"],
  },
  {
    // No page can forbid it. Both requests name the same user: the phone shows the newer one alone.
    name: "a browser sends a start again by itself, whose answer is lost",
    order: signIn(),
    faults: [{ on: "start", do: "lose" }],
    starts: 2,
    only: ["Chromium"],
  },
  { name: "the start is answered slowly", order: signIn(), faults: [{ on: "start", do: { delay: 300 } }] },
];

const SOCKETS: readonly Scenario[] = [
  {
    name: "no socket comes through",
    order: signIn(),
    faults: [{ on: "socket", do: "refuse", times: Number.POSITIVE_INFINITY }],
    user: { does: "approve", at: "waiting" },
    atLeast: { hold: 1 },
  },
  { name: "there are no sockets at all", order: signIn({ noSocket: true }), atMost: { socket: 0 } },
  {
    name: "a socket is mute",
    order: signIn({ waits: NERVOUS }),
    faults: [{ on: "socket", do: "mute" }],
    atLeast: { hold: 1 },
  },
  {
    name: "a socket is cut behind its first frame, again and again",
    order: signIn(),
    faults: [{ on: "socket", do: "first frame", times: 3 }],
    user: { does: "approve", at: "two frames" },
    atLeast: { socket: 3 },
  },
  {
    name: "a socket is cut in the moment of the approval",
    order: signIn(),
    faults: [{ on: "socket", do: "last frame" }],
    user: { does: "approve", at: "frame" },
  },
  {
    name: "the last frame of a socket gets lost",
    order: signIn({ waits: NERVOUS }),
    faults: [{ on: "socket", do: "swallow" }],
    user: { does: "approve", at: "frame" },
  },
  { name: "the laptop sleeps while the user approves", order: signIn({ waits: NERVOUS }), sleepsAt: "frame" },
  {
    name: "the laptop sleeps so long that its socket counts as dead",
    // The first word has to come within the same time.
    order: signIn({ waits: { ...NERVOUS, silence: 3_000 } }),
    sleepsAt: "frame",
    wakesLate: true,
  },
  { name: "the laptop sleeps before anybody waits", order: signIn({ waits: NERVOUS }), sleepsAt: "prompt" },
  {
    name: "a socket is cut in the moment of a decline",
    order: signIn(),
    faults: [{ on: "socket", do: "last frame" }],
    user: { does: "decline", at: "frame" },
    fails: "denied",
    grants: 0,
  },
];

const HOLDS: readonly Scenario[] = [
  {
    name: "long-polls are refused, lost and cut",
    order: signIn({ noSocket: true }),
    faults: [
      { on: "hold", do: "refuse", times: 2 },
      { on: "hold", do: "lose" },
      { on: "hold", do: "cut" },
    ],
    atLeast: { hold: 3 },
  },
  {
    name: "a long-poll is answered 503 by what stands before the server",
    order: signIn({ noSocket: true }),
    faults: [{ on: "hold", do: "busy" }],
  },
];

const REDEEMS: readonly Scenario[] = [
  {
    name: "the tokens never leave the server",
    order: signIn(),
    faults: [{ on: "redeem", do: "refuse", times: 2 }],
  },
  {
    name: "the tokens get lost twice",
    order: signIn(),
    faults: [{ on: "redeem", do: "lose", times: 2 }],
    atLeast: { redeem: 3 },
  },
  {
    name: "the tokens are cut half-way",
    order: signIn(),
    faults: [{ on: "redeem", do: "cut" }],
    atLeast: { redeem: 2 },
  },
  {
    name: "the tokens are on their way for ever",
    order: signIn(),
    faults: [{ on: "redeem", do: "mute" }],
    atLeast: { redeem: 2 },
  },
  {
    name: "the token endpoint is down for a moment",
    order: signIn(),
    faults: [{ on: "redeem", do: "busy" }],
  },
  {
    name: "the tokens get lost, bound to a key",
    order: signIn({ dpop: true }),
    faults: [
      { on: "redeem", do: { delay: 1 } },
      { on: "redeem", do: "lose" },
    ],
    atLeast: { redeem: 3 },
  },
  {
    name: "all of it at once",
    order: signIn(),
    faults: [
      { on: "discovery", do: "refuse" },
      { on: "socket", do: "first frame" },
      { on: "socket", do: "refuse" },
      { on: "hold", do: "cut" },
      { on: "redeem", do: "lose" },
      { on: "redeem", do: "cut" },
    ],
    user: { does: "approve", at: "frame" },
  },
];

const REFRESHES: readonly Scenario[] = [
  {
    name: "the answer to a refresh is lost, then cut",
    order: thenRefresh(),
    faults: [
      { on: "refresh", do: "lose" },
      { on: "refresh", do: "cut" },
    ],
    generations: 1,
    atLeast: { refresh: 3 },
  },
  {
    name: "the answer to a refresh never comes",
    order: thenRefresh(),
    faults: [{ on: "refresh", do: "mute" }],
    generations: 1,
  },
  {
    name: "two clients refresh at once, and the answer gets lost",
    order: thenRefresh({ clients: 2 }),
    faults: [{ on: "refresh", do: "lose" }],
    generations: 1,
  },
  {
    name: "no answer to a refresh comes for as long as it may be sent again",
    order: thenRefresh({ waits: BRIEF }),
    faults: [{ on: "refresh", do: "refuse", times: Number.POSITIVE_INFINITY }],
    fails: "network",
    generations: 0,
  },
  {
    name: "a sign-out is lost, and sent again",
    order: signIn({ acts: ["signIn", "signOut"] }),
    faults: [{ on: "revoke", do: "lose" }],
    grants: 0,
    atLeast: { revoke: 2 },
  },
  {
    name: "a sign-out offline forgets here, and says so",
    order: signIn({ acts: ["signIn", "signOut"], waits: BRIEF }),
    faults: [{ on: "revoke", do: "refuse", times: Number.POSITIVE_INFINITY }],
    fails: "network",
  },
];

const ABORTS: readonly Scenario[] = [
  {
    name: "aborted before it begins",
    order: signIn({ abort: "before" }),
    user: { does: "nothing" },
    fails: "aborted",
    starts: 0,
    grants: 0,
  },
  {
    name: "aborted while it starts",
    order: signIn({ abort: "after" }),
    user: { does: "nothing" },
    fails: "aborted",
    starts: 0,
    grants: 0,
  },
  {
    name: "aborted while a socket waits",
    order: signIn(),
    user: { does: "nothing" },
    abortAt: "frame",
    fails: "aborted",
    grants: 0,
  },
  {
    name: "aborted while a long-poll waits",
    order: signIn({ noSocket: true }),
    user: { does: "nothing" },
    abortAt: "waiting",
    fails: "aborted",
    grants: 0,
  },
  {
    name: "aborted between two tries",
    order: signIn({ noSocket: true, waits: { again: 60_000 } }),
    faults: [{ on: "hold", do: "lose" }],
    user: { does: "approve" },
    abortAt: "waiting",
    fails: "aborted",
    grants: 0,
  },
  {
    name: "aborted while its tokens are on their way",
    order: signIn(),
    faults: [{ on: "redeem", do: "mute" }],
    abortAt: "redeem",
    fails: "aborted",
  },
  {
    name: "onPrompt throws at the start",
    order: signIn({ throwsAt: 1 }),
    user: { does: "nothing" },
    fails: "",
    error: { name: "RangeError" },
    grants: 0,
  },
  {
    name: "onPrompt throws when a socket has told something",
    order: signIn({ throwsAt: 2 }),
    user: { does: "nothing" },
    fails: "",
    error: { name: "RangeError" },
    grants: 0,
  },
];

const OTHERS: readonly Scenario[] = [
  {
    name: "a backend's approval: cut socket, lost tokens",
    order: { acts: ["requestApproval"], waits: SOON },
    faults: [
      { on: "socket", do: "first frame" },
      { on: "redeem", do: "lose" },
    ],
    user: { does: "approve", at: "frame" },
    only: ["Node", "workerd"],
  },
  {
    name: "a name that is missing is refused before anything is sent",
    order: signIn({ identifier: " " }),
    user: { does: "nothing" },
    fails: "invalid_argument",
    starts: 0,
    grants: 0,
    atMost: { discovery: 0 },
  },
];

export const SCENARIOS: readonly Scenario[] = [
  ...STARTS,
  ...SOCKETS,
  ...HOLDS,
  ...REDEEMS,
  ...REFRESHES,
  ...ABORTS,
  ...OTHERS,
];
