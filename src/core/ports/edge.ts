import type { QueueMessage } from "../messages.ts";

export type Events = { send(message: QueueMessage): Promise<void> };

export type IpLimits = {
  start(ip: string | undefined): Promise<boolean>;
  wait(ip: string | undefined): Promise<boolean>;
  /** Counts a miss; false when this address has missed too often. */
  miss(ip: string | undefined): Promise<boolean>;
  /** Whether this address has missed too often lately, without counting. */
  blocked(ip: string | undefined): boolean;
  admin(ip: string | undefined): Promise<boolean>;
};

export type Health = { check(): Promise<void> };

export type Config = {
  readonly issuer: string;
  readonly environment: "development" | "production";
  readonly adminToken?: string;
};

export type Background = (work: Promise<unknown>) => void;

export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
