import type { Instant } from "../time.ts";

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
