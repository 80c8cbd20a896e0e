import type { QueueMessage } from "../messages.ts";

/** The queue for what must reach D1 or leave the house later. Never in the way of an answer. */
export type Events = { send(message: QueueMessage): Promise<void> };

/** Approximate limits per IP address; always true when IP_LIMITS is off or the address is unknown. */
export type IpLimits = {
  /** What counts as one address; undefined when it is unknown, or IP_LIMITS is off: then no limit may look at it. */
  network(ip: string | undefined): string | undefined;
  start(ip: string | undefined): Promise<boolean>;
  wait(ip: string | undefined): Promise<boolean>;
  /** Counts a reading that a public text opens, such as a device's key: for the address and for the text. */
  read(ip: string | undefined, text: string): Promise<boolean>;
  /** Counts a miss; false when this address has missed too often. */
  miss(ip: string | undefined): Promise<boolean>;
  /** Whether this address has missed too often lately, without counting. */
  blocked(ip: string | undefined): boolean;
  admin(ip: string | undefined): Promise<boolean>;
  /** Counts a one-time code or link that is to be sent. */
  send(ip: string | undefined): Promise<boolean>;
};

/** Cheap probe of D1 for /healthz: throws when it cannot be used. */
export type Health = { check(): Promise<void> };

export type Config = {
  readonly issuer: string;
  readonly environment: "development" | "production";
  readonly adminToken?: string;
  /** Whether addresses that a client names may be http and private; never in production (settled question 33). */
  readonly allowPrivateCallbacks: boolean;
};

/** Work that may outlive the answer. A function is begun only after the answer has gone out, so that it takes no turn from it. */
export type Background = (work: Promise<unknown> | (() => Promise<unknown>)) => void;

/** One structured line; fields are scrubbed of secrets by the adapter. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
