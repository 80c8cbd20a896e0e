import type { QueueMessage } from "../message/queue.ts";
import type { Instant, Millis } from "../time.ts";
import type { Channel } from "./deliveries.ts";

/** The queue for what must reach D1 or leave the house later. Never in the way of an answer. */
export type Events = {
  /** With `folds`, rows of an audit message that this isolate has sent in this minute are left out (`AuditFold`). */
  send(message: QueueMessage, options?: { readonly folds: boolean }): Promise<void>;
};

/**
 * Approximate limits per IP address, and per network of IPv6 addresses; always true when IP_LIMITS is off or the address is unknown.
 */
export type IpLimits = {
  /** An IPv4 address, or the /48 of an IPv6 one; undefined when it is unknown, or IP_LIMITS is off: then no limit may look at it. */
  network(ip: string | undefined): string | undefined;
  start(ip: string | undefined): Promise<boolean>;
  wait(ip: string | undefined): Promise<boolean>;
  /** Counts a reading that a public text opens, such as a device's key: for the address, and for the text in its network. */
  read(ip: string | undefined, text: string): Promise<boolean>;
  /** Counts a call that reads tables and brings nothing that could be good or bad. */
  look(ip: string | undefined): Promise<boolean>;
  /**
   * Counts a call whose credential only a table can tell, apart from `look`. `name` is what that table will be asked for: a client's
   * id, a secret's hash. One that `vouch` has named is not counted: who uses it pays for nobody else's guesses.
   */
  check(ip: string | undefined, name: string | undefined): Promise<boolean>;
  /** Says what came of it, for the next hour in this isolate. */
  vouch(name: string, isGood: boolean): void;
  /** Counts a miss; false when this address has missed too often. */
  miss(ip: string | undefined): Promise<boolean>;
  /** Whether this address has missed too often lately, without counting. */
  blocked(ip: string | undefined): boolean;
  admin(ip: string | undefined): Promise<boolean>;
  /** Counts a one-time code or link that is to be sent. */
  send(ip: string | undefined): Promise<boolean>;
};

/** `refused`: there is no such document, or this service does not read it. `unreachable`: it may be there in a moment. */
export type ReadDocument =
  | {
      readonly kind: "read";
      readonly json: unknown;
      /** How long its server says that it stays good; nothing where it does not say. */
      readonly freshFor?: Millis;
    }
  | { readonly kind: "refused" | "unreachable"; readonly reason: string };

/**
 * Reads a JSON document at an address that somebody names: one GET, bounded in time and size, to a public https address only, following
 * no redirect (settled question 33, T97). Never throws for what the other server did.
 */
export type Documents = { read(url: string): Promise<ReadDocument> };

/** A static file, as it is handed on. */
export type File = { readonly body: ReadableStream; readonly headers: Headers };

/** Static files of this deployment that nobody gets but through the Worker. */
export type Files = {
  /** The file at this path, which begins with a slash; undefined where there is none. */
  find(path: string): Promise<File | undefined>;
};

/** Cheap probe of D1 for /healthz: throws when it cannot be used. */
export type Health = { check(): Promise<void> };

export type Config = {
  readonly issuer: string;
  /** How the deployment's own pages name it. */
  readonly name: string;
  readonly environment: "development" | "production";
  readonly adminToken?: string;
  /** Channels that somebody carries; none: no code and no link leaves the service. */
  readonly sends: readonly Channel[];
  /** How long audit rows are kept; for ever when it is missing. */
  readonly auditKept?: Millis;
  /** Whether addresses that a client names may be http and private; never in production (settled question 33). */
  readonly allowPrivateCallbacks: boolean;
};

/** Work that outlives the answer: it is begun when that has gone out, so that it takes no turn from it. */
export type Background = (work: () => Promise<unknown>) => void;

/** One structured line; fields are scrubbed of secrets by the adapter. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** A telephone number as the numbering plans know it. */
export type PhoneNumber = {
  /** `+` and digits (ITU-T E.164). */
  readonly e164: string;
  /** ISO 3166-1 alpha-2; absent where a code belongs to no country. */
  readonly country?: string;
  /** Whether it lies in a range for mobiles, to which texts go; premium-rate and shared-cost numbers do not. */
  readonly mobile: boolean;
};

/** Reads telephone numbers the way users write them. Pure: no address is asked anything. */
export type Phones = {
  /**
   * The number that this text is, however it is spaced and with or without its trunk zero; a text without `+` is read as a number
   * of `country`. Undefined when no numbering plan has such a number.
   */
  read(text: string, country?: string): PhoneNumber | undefined;
};

/** The present instant. */
export type Clock = { now(): Instant };

/** Chance from the platform's generator only. */
export type Chance = {
  uuid(): string;
  /** base64url of this many random bytes. */
  text(bytes: number): string;
  /** A number in [1, limit), without bias. */
  number(limit: number): number;
  /** This many decimal digits, without bias, leading zeros kept. */
  digits(count: number): string;
  /** This many words of 3 to 8 small letters, each one of 2,048 (11 bits). */
  words(count: number): readonly string[];
};
