import type { Caller } from "../caller.ts";
import type { Approvers, Enroller } from "../challenge/approvers.ts";
import type { DecisionKind, Door, JsonObject, Origin, Purpose } from "../challenge/state.ts";
import type { ChallengeId, ClientId, DeviceId, Realm } from "../ids.ts";
import type { Instant } from "../time.ts";
import type { ReadIdentifier } from "../user/identifier.ts";

/** What answering this prompt takes; a door that cannot honour a demand does not list the prompt (settled question 19). */
export type Demands = {
  readonly matchCode: boolean;
  /** The same on our own page alone: its waiting screen shows a number that a vendor's phone is not asked for. */
  readonly matchOnPage?: true;
  readonly claim: boolean;
  readonly unlock: boolean;
  /** The one device that may answer. */
  readonly device?: DeviceId;
};

/** A challenge as the user's inbox shows it. It never holds the waiter's handle. */
export type Prompt = {
  readonly challengeId: ChallengeId;
  readonly door: Door;
  readonly clientId: ClientId;
  readonly clientName: string;
  readonly purpose: Purpose;
  readonly bindingMessage?: string;
  readonly demands: Demands;
  /** Whose devices may answer it; the asking client's alone when it is missing. */
  readonly approvers?: Approvers;
  /** Absent in the main realm. */
  readonly realm?: Realm;
  /** Who asked; absent in prompts of a version that did not look. */
  readonly caller?: Caller;
  readonly origin: Origin;
  /** The door's own words about the challenge, such as the event name that a device signs. */
  readonly context: JsonObject;
  /** Drawn for this challenge, and part of what a device of our page signs; absent in prompts of a version that had none. */
  readonly nonce?: string;
  /** Random 31-bit number by which doors that speak in numbers name the prompt. */
  readonly respondNumber: number;
  /** Unix second that a device signs; strictly increasing per inbox, so no two prompts share a signing input. */
  readonly signingSecond: number;
  readonly startedAt: Instant;
  readonly listedAt: Instant;
  readonly expiresAt: Instant;
  readonly status: PromptStatus;
};

export type PromptStatus =
  | { readonly name: "live" }
  | { readonly name: "superseded"; readonly by: ChallengeId }
  | {
      readonly name: "decided";
      readonly decision: DecisionKind;
      readonly digest: string;
      /** By which device, when it was one. */
      readonly deviceId?: DeviceId;
    }
  | { readonly name: "withdrawn" };

export type Counter = { readonly count: number; readonly until: Instant };

/** A one-time code as it is kept: the keyed hash of it together with its challenge, identifier and purpose. */
export type KeptCode = {
  readonly hash: string;
  readonly identifierId?: string;
  readonly expiresAt: Instant;
  /** The secret of a link: nobody finds it by trying, so guesses at it are not counted. */
  readonly link?: true;
  /** Wrong guesses for this challenge, on through each new code; none when it is missing. */
  readonly wrong?: number;
  /** When the challenge ends, and its count with it; the code's own end when it is missing. */
  readonly until?: Instant;
  /** The code before this one, good as well until one of the two is used: letters overtake each other. */
  readonly previousCode?: { readonly hash: string; readonly expiresAt: Instant };
};

/** A use of a signing input; `second` is the one in it, where a device signed by its own clock. */
export type Spent = { readonly use: string; readonly until: Instant; readonly second?: number };

/** Everything an inbox object remembers: one JSON value. */
export type InboxState = {
  readonly schema: 1;
  readonly prompts: readonly Prompt[];
  /** When prompts went out in the last minute. */
  readonly sent: readonly Instant[];
  /** Of a version that told no askers apart: when the user said no, and until when nothing was listed. */
  readonly denials: readonly Instant[];
  readonly silencedUntil?: Instant;
  /** What the user said no to in the last ten minutes, and who is silent for it. */
  readonly refused?: readonly Denial[];
  readonly silences?: readonly Silence[];
  /** Requests that were kept from the user, until the user approves one. */
  readonly blocked: { readonly count: number; readonly last?: Instant };
  /** Signing inputs that have been used: by digest, for what, and up to when it is remembered. */
  readonly spent: Readonly<Record<string, Spent>>;
  readonly lastSigningSecond: number;
  /** Devices that were removed a short while ago, and up to when that is remembered: their answers may still be on their way. */
  readonly removed: Readonly<Record<DeviceId, Instant>>;
  /** Open while no device was had; beside `hadDevice` it is taken, and its device not known to be stored. */
  readonly enrolment?: {
    readonly binding: string;
    readonly until: Instant;
    readonly takenBy?: string;
    /** What a call may look like to enrol without the key, until one looks otherwise. */
    readonly ambient?: string;
    /** When the proof began that opened it. */
    readonly began?: Instant;
  };
  /** A sign-up that waits for its first device; the user exists from then on. */
  readonly signUp?: SignUp;
  /** By client: how the user comes to another device after the ones that they had. */
  readonly recoveries?: Readonly<Record<ClientId, Recovery>>;
  /** How the call looked that finished the sign-up with its first device, until the sign-up's window ends. */
  readonly signedUp?: SignedUp;
  /** True for ever once the user has had a device; only a taken window that is given back makes it false again. */
  readonly hadDevice: boolean;
  readonly counters: Readonly<Record<string, Counter>>;
  /** Starts about this user in the last minute, by client and by network. */
  readonly starts?: Readonly<Record<string, Counter>>;
  /** Starts of a client: counted in leased blocks so that one write covers many. */
  readonly lease?: { readonly windowEnds: Instant; readonly taken: number };
  /** One-time codes sent to this identifier, one for each challenge. */
  readonly codes: Readonly<Record<string, KeptCode>>;
  /** Of a version that told no senders apart: when codes were sent in the last day. They count as strangers'. */
  readonly codeSends: readonly Instant[];
  /** Codes and links that were sent to this identifier in the last day. */
  readonly letters?: readonly Letter[];
  /** Wrong guesses at user codes in the last day. */
  readonly guesses?: readonly CountedGuess[];
  /** Browsers in which the user need give no other code for a while. */
  readonly remembered?: readonly Remembered[];
  /** Where devices of our pages are woken, the one that subscribed first in front. */
  readonly subscriptions?: readonly Subscription[];
  /** Messages to this subject that are on their way or went out of late. */
  readonly deliveries: Readonly<Record<string, Delivery>>;
};

export const EMPTY_INBOX: InboxState = {
  schema: 1,
  prompts: [],
  sent: [],
  denials: [],
  blocked: { count: 0 },
  spent: {},
  lastSigningSecond: 0,
  removed: {},
  hadDevice: false,
  counters: {},
  codes: {},
  codeSends: [],
  deliveries: {},
};

/** A browser's push subscription with its keys (base64url), or an app's registration token at FCM. */
export type PushTarget =
  | { readonly endpoint: string; readonly p256dh: string; readonly auth: string }
  | { readonly fcm: string };

/** How one device is woken when a prompt is listed. `through`: whose requests stand before it. */
export type Subscription = {
  readonly device: DeviceId;
  readonly through: Enroller;
  readonly target: PushTarget;
  readonly at: Instant;
};

/** What is remembered of one message: who is at it, or how it ended. */
export type Delivery = {
  readonly status: "claimed" | "released" | "sent" | "failed";
  /** Until when a claim holds, if its holder is not heard of again. */
  readonly claimedUntil: Instant;
  readonly until: Instant;
};

/** Who asked for a prompt: a client, and whether a stranger at it or its own backend, from which network. */
export type Asker = {
  readonly clientId: ClientId;
  readonly caller?: Caller;
};

/** One "no" of the user, to this asker. */
export type Denial = Asker & { readonly at: Instant };

/** No prompt of this asker is listed before then. */
export type Silence = Asker & { readonly until: Instant };

/** A sign-up that nobody has finished: it is nobody's name before its first device is enrolled, and ends with its window. */
export type SignUp = {
  readonly realm: Realm;
  readonly clientId: ClientId;
  readonly externalId?: string;
  readonly identifiers: readonly ReadIdentifier[];
  readonly at: Instant;
};

/** What is kept of a sign-up that is finished, for as long as its window would be open (docs/decisions/0055). */
export type SignedUp = { readonly looks: string; readonly until: Instant };

/** Who presents a user code: a stranger of some network, or a client with its token, for its waiter or for itself. */
export type Guesser =
  | { readonly kind: "stranger"; readonly network?: string }
  | { readonly kind: "waiter" | "backend"; readonly clientId: ClientId }
  /** Somebody who is signed in types a code of nobody's yet. */
  | { readonly kind: "user" };

/** One guess that was wrong, or is still being compared. `mark` is a short digest, so that the same guess again is no second one. */
export type CountedGuess = {
  readonly lane: string;
  readonly mark: string;
  readonly at: Instant;
  /** A code was redeemed in this lane since, or a new one given out: only the day's sum still counts it. */
  readonly forgiven?: true;
};

/** A code or link that was sent: in which lane, to which spelling of the address, and asked for from where. */
export type Letter = {
  readonly at: Instant;
  readonly lane: string;
  readonly identifierId?: string;
  readonly network?: string;
};

/** How a user who had a device comes to another one, at one client (docs/decisions/0056). */
export type Recovery = {
  /** What the last proof of an address handed to its caller: a digest of the key, and until when it is good. */
  readonly key?: { readonly binding: string; readonly began: Instant; readonly until: Instant };
  /** When the wait began for whoever has lost their device. */
  readonly waitingSince?: Instant;
  /** Somebody ended a wait: none begins before. */
  readonly pausedUntil?: Instant;
};

/** A browser in which the user proved an address, and which may go on without another code. The cookie itself is not kept. */
export type Remembered = {
  readonly id: string;
  readonly clientId: ClientId;
  /** Keyed name of the address that was proven. */
  readonly identifierId: string;
  /** How the proof was given (RFC 8176). */
  readonly amr: readonly string[];
  readonly provenAt: Instant;
  readonly until: Instant;
  /** How often it was used: the cookie that is good says the same number. */
  readonly turn: number;
  readonly turnedAt: Instant;
};
