import type { Answer } from "../load/http.ts";

/** A sign-in that has begun. */
export type Begun = {
  /** Where the admin API finds its user: `user_id=…` or `external_id=…`. */
  readonly user: string;
  /** The person's yes or no. */
  decide(isApproved: boolean): Promise<unknown>;
  /** Asks for the result; unless its way collects once, the same again gets the same result. */
  collect(): Promise<Answer>;
  /** What of a good answer is the same when it is asked for again, and another's never; undefined: no result. */
  resultOf(answer: Answer): string | undefined;
  /** What a client does with its result. */
  use?(result: string): Promise<Answer>;
  /** How it ended by the socket of the one who waits; undefined: the socket was cut before. */
  readonly heard?: Promise<string | undefined>;
};

/** One way in, and what the server keeps of one sign-in by it. */
export type Way = {
  readonly name: string;
  /** What its audit rows begin with. */
  readonly purpose: "sign_in" | "signIn";
  /** Whether a grant is listed for each redemption. */
  readonly opensGrant: boolean;
  /** Sessions of a browser on the way, each redeemed like a sign-in. */
  readonly sessions: number;
  /** Whether a no is a row of its user. */
  readonly canDecline: boolean;
  /** Whether a result that got lost is lost: a second try takes back the first. */
  readonly collectsOnce: boolean;
  begin(): Promise<Begun>;
};

/** What most ways are. */
export const usual = {
  purpose: "sign_in",
  opensGrant: true,
  sessions: 0,
  canDecline: true,
  collectsOnce: false,
} as const;
