import type { ConfigWire, PushTarget } from "../../../protocol/src/approver.ts";
import { CountersignError } from "../errors.ts";
import { type Account, accountOf } from "./account.ts";
import type { ActivityEvent, PhoneDevice } from "./devices.ts";
import { beginEnrolment, type Enrolment, type EnrolOptions, enrol, type Me, openSession } from "./enrol.ts";
import { indexedDbStorage } from "./indexed-db.ts";
import { type KeyStore, memoryStorage, type RecordStorage, type StoredPhone, webCryptoKeys } from "./keys.ts";
import { type Line, send, serverClock } from "./line.ts";
import { type PhoneLink, readLink } from "./links.ts";
import { publicJwk, rawSignature } from "./native-bytes.ts";
import { browserPasskeys, guarded, type Passkeys } from "./passkeys.ts";
import type { ApproveOptions, DeclineOptions, Prompt, PromptState } from "./prompt.ts";
import { enterCode, type Listed, listRequests, scanLink } from "./requests.ts";
import { type Ended, makeSeat } from "./seat.ts";
import { type PhoneCrypto, type PublicJwk, type Signer, webCrypto } from "./signer.ts";
import { textToSign, unknownMembers } from "./signing.ts";
import { type KeyVault, type TextStorage, textKeys, vaultKeys } from "./text-keys.ts";
import { Feed, type Standing, type Watch, type WatchOptions } from "./watch.ts";

export type PhoneConfig = {
  readonly name: string;
  /** The name that passkeys belong to. None: there are no passkeys. */
  readonly rpId?: string;
  /** For `PushManager.subscribe`. */
  readonly pushKey?: string;
};

export type PhoneOptions = {
  /** The service, such as `https://sign.example`. A request of another one is never signed. */
  readonly issuer: string;
  readonly keys: KeyStore;
  /** `browserPasskeys()`, or the passkeys of an app. Without it this phone answers by its key. */
  readonly passkeys?: Passkeys | undefined;
  /** The app shows every member of a payload. Otherwise one with members that this library does not know is not approved. */
  readonly showsAll?: boolean;
  /** The build of the app, 1 to 64 of `A-Za-z0-9._-`: it goes on record with each answer. */
  readonly build?: string;
  /** This phone can no longer be used as it is, whichever call has found that out. */
  readonly onEnded?: (why: Ended) => void;
  /** Where the service is reached, if not at its issuer: for pages of the service itself. */
  readonly base?: string;
  readonly fetch?: typeof fetch;
  readonly WebSocket?: typeof WebSocket;
  /** Milliseconds since 1970, as `Date.now`. */
  readonly clock?: () => number;
  /** Where a platform has no Web Crypto: SHA-256 and random ids. */
  readonly crypto?: PhoneCrypto;
};

/** A phone of somebody: it lists what waits for them, and signs their answers. Every failure is a `CountersignError`, but what an app's own `keys` throw. */
export type Phone = Account & {
  /** Who this phone is; undefined: nobody's, or its session is over. */
  me(): Promise<Me | undefined>;
  config(): Promise<PhoneConfig>;
  /** Becomes a phone of the ticket's user, once `confirm` has shown whose that is. */
  enrol(ticket: string, options: EnrolOptions): Promise<Me>;
  /** The same in two steps, for an app that asks on a screen of its own. */
  beginEnrolment(ticket: string, options?: Pick<EnrolOptions, "recoveryCode">): Promise<Enrolment>;
  /** Opens a session by this phone's key, or by a passkey. A key does so by itself where it is needed. */
  openSession(): Promise<Me>;
  prompts(): Promise<Listed>;
  /** How a request stands that this phone was shown. */
  state(id: string): Promise<PromptState>;
  /** The request behind a QR code of a waiting screen; it takes no number. */
  scan(text: string): Promise<Prompt>;
  /** The request behind the eight letters that a device without a browser shows. */
  enterCode(typed: string): Promise<Prompt>;
  /** Tells what waits, by a socket that comes back, and by asking while it is down. */
  watch(options: WatchOptions): Watch;
  /** Ends notifications as far as the service can be reached, and forgets the key. The device stays in the account: see `remove`. */
  signOut(): Promise<void>;
  /** The server's time, in milliseconds, as far as it is known. */
  now(): number;
};

/** RFC 8414 §2, and without a path: the service's addresses begin at its root. */
const ISSUER = /^https?:\/\/[^/?#\s@]+$/;

function lineOf({ issuer, base = issuer, clock = Date.now, ...options }: Omit<PhoneOptions, "keys">): Line {
  if (!ISSUER.test(issuer) || !ISSUER.test(base))
    throw new CountersignError("invalid_argument", "The issuer is an origin, such as https://sign.example.", {
      error: "issuer",
    });
  const { fetch: asked = (...call) => globalThis.fetch(...call), crypto = webCrypto } = options;
  return { issuer, base, fetch: asked, crypto, clock: serverClock(clock) };
}

const configCall = { method: "GET", path: "/approver/config" } as const;

const configOf = ({ name, rp_id: rpId, push }: ConfigWire): PhoneConfig => ({
  name,
  ...(rpId === undefined ? {} : { rpId }),
  ...(push === undefined ? {} : { pushKey: push.public_key }),
});

/** What the service at this origin calls itself, for a page of its own that is served under more than one name. */
export async function discover(
  origin: string,
  options: Pick<PhoneOptions, "fetch" | "clock"> = {},
): Promise<PhoneConfig & { readonly issuer: string }> {
  const found = await send<ConfigWire>(lineOf({ issuer: origin, ...options }), configCall, undefined);
  return { issuer: found.issuer, ...configOf(found) };
}

/** Asked for once, and again after a failure. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= work().catch((cause) => {
      asked = undefined;
      throw cause;
    });
    return asked;
  };
}

/**
 * The approving half for an app of one's own (docs/phone-library.md). Throws `invalid_argument` for an issuer that is no origin.
 */
export function createPhone(options: PhoneOptions): Phone {
  const { keys, showsAll = false, build, onEnded } = options;
  const passkeys = options.passkeys && guarded(options.passkeys);
  const line = lineOf(options);
  const seat = makeSeat({ line, keys, ended: (why) => onEnded?.(why) });
  const config = once(() => send<ConfigWire>(line, configCall, undefined));
  const rpId = async () => (await config()).rp_id;
  const signing = { crypto: line.crypto, passkeys, rpId };
  const asking = { seat, signing, showsAll, build };
  const enrolling = { seat, passkeys };
  const account = accountOf({ seat, signing, config });
  return {
    ...account,
    async me() {
      const { account: name, device, token } = (await seat.load()) ?? {};
      if (name === undefined || device === undefined || token === undefined) return undefined;
      return { account: name, device: { id: device.id, kind: device.kind } };
    },
    config: async () => configOf(await config()),
    enrol: (ticket, how) => enrol(enrolling, ticket, how),
    beginEnrolment: (ticket, how) => beginEnrolment(enrolling, ticket, how),
    openSession: () => openSession(enrolling),
    prompts: () => listRequests(asking),
    async state(id) {
      const path = `/approver/prompts/${encodeURIComponent(id)}`;
      return (await seat.call<{ readonly state: PromptState }>({ method: "GET", path })).state;
    },
    scan: (text) => scanLink(asking, text),
    enterCode: (typed) => enterCode(asking, typed),
    watch(how) {
      const Socket = options.WebSocket ?? globalThis.WebSocket;
      return new Feed({ seat, WebSocket: Socket, list: () => listRequests(asking) }, how);
    },
    async signOut() {
      // Whoever is not reached stops by itself: the service ends what it wakes in vain.
      await account.setPush(undefined).catch(() => undefined);
      await seat.forget();
    },
    now: line.clock.now,
  };
}

export {
  type Account,
  type ActivityEvent,
  type ApproveOptions,
  browserPasskeys,
  type DeclineOptions,
  type Ended,
  type Enrolment,
  type EnrolOptions,
  indexedDbStorage,
  type KeyStore,
  type KeyVault,
  type Listed,
  type Me,
  memoryStorage,
  type Passkeys,
  type PhoneCrypto,
  type PhoneDevice,
  type PhoneLink,
  type Prompt,
  type PromptState,
  type PublicJwk,
  type PushTarget,
  publicJwk,
  type RecordStorage,
  rawSignature,
  readLink,
  type Signer,
  type Standing,
  type StoredPhone,
  type TextStorage,
  textKeys,
  textToSign,
  unknownMembers,
  vaultKeys,
  type Watch,
  type WatchOptions,
  webCryptoKeys,
};
